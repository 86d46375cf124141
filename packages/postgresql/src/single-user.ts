import type { HookContext } from "./context.ts";
import type { ProgramResult } from "./run-program.ts";
import { settingOptions, siteSettings } from "./site-args.ts";

/** Its messages are read here, in English, and nothing waits for a standby. */
const SETTINGS = [
  "lc_messages=C",
  "log_destination=stderr",
  "logging_collector=off",
  "log_min_messages=warning",
  "synchronous_standby_names=",
];

/**
 * Runs statements on data whose server does not run, as their superuser and one a line; nothing listens meanwhile. Data that
 * were not shut down are recovered first. The settings of MSDHA_PG_ARGS apply: the log may need them
 * (`max_prepared_transactions`). `settings` (`NAME=VALUE`) win over them.
 */
export async function runSingleUser(
  context: HookContext,
  folder: string,
  { database = "template1", statements = [], settings = [] }: SingleUserOptions = {},
): Promise<ProgramResult> {
  const own = [`data_directory=${folder}`, ...SETTINGS];
  const options = settingOptions([...siteSettings(context), ...own, ...settings]);
  return await context.run([context.program("postgres"), "--single", "-D", folder, ...options, database], {
    input: statements.map((statement) => `${statement}\n`).join(""),
  });
}

/** Returns the line that says why it failed: a hint may follow it. */
export function complaintOf({ stderr }: Pick<ProgramResult, "stderr">): string {
  const lines = stderr.trim().split("\n");
  return lines.findLast((line) => /FATAL|PANIC/.test(line)) ?? lines.at(-1) ?? "";
}

export interface SingleUserOptions {
  /** Default: `template1`, which all data have. */
  readonly database?: string;
  readonly statements?: readonly string[];
  readonly settings?: readonly string[];
}
