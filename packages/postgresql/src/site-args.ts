import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { archiveNames, fixedNames } from "./fixed-settings.ts";
import { quoteShell } from "./quoting.ts";
import { splitWords } from "./words.ts";

/** They would lead the server away from the data of PGDATA, and from the settings beside them. */
const OTHER_DATA = /^(-D.*|-C.*|config_file|data_directory)$/;

/** Returns the words that MSDHA_PG_ARGS adds to the server's command line. */
export function siteArgs({ env }: Pick<HookContext, "env">): readonly string[] {
  return splitWords(env["MSDHA_PG_ARGS"] ?? "");
}

/** Returns the settings among them (`-c NAME=VALUE`, `--NAME=VALUE`), as `NAME=VALUE`: for servers of other kinds. */
export function siteSettings(context: Pick<HookContext, "env">): readonly string[] {
  const words = siteArgs(context);
  return words.flatMap((word, index) => {
    if (word.startsWith("--")) return [word.slice(2)];
    if (word.startsWith("-c")) return [word.length > 2 ? word.slice(2) : (words[index + 1] ?? "")];
    return [];
  });
}

/** Returns settings as options of PostgreSQL's programs. */
export function settingOptions(settings: readonly string[]): readonly string[] {
  return settings.flatMap((setting) => ["-c", setting]);
}

/**
 * Returns the options of a server that `pg_ctl -o` starts for a while on the data in a folder, that nobody else reaches and that archives nothing:
 * MSDHA_PG_ARGS' settings, then what that takes, then these.
 */
export function pgCtlOptions(
  context: Pick<HookContext, "env" | "settings">,
  folder: string,
  settings: readonly string[] = [],
): string {
  const { home, port } = context.settings;
  const alone = [
    ...["listen_addresses=", `unix_socket_directories=${home}`, "unix_socket_permissions=0700"],
    ...[`port=${port}`, "archive_mode=off", `data_directory=${folder}`],
  ];
  return settingOptions([...siteSettings(context), ...alone, ...settings])
    .map(quoteShell)
    .join(" ");
}

/** Rejects with a `HookFailure` where PostgreSQL's own program does not take MSDHA_PG_ARGS. Touches no data. */
export async function checkSiteArgs(context: HookContext): Promise<void> {
  const { files, settings } = context;
  const words = siteArgs(context);
  if (words.length === 0) return;
  const names = siteSettings(context).map((setting) =>
    setting.replace(/=.*$/s, "").toLowerCase().replaceAll("-", "_"),
  );
  const other = [...words, ...names].find((word) => OTHER_DATA.test(word));
  if (other !== undefined) {
    fail(`MSDHA_PG_ARGS: expected no ${other}, since PGDATA says where the data and their settings are`);
  }
  const ours = [...fixedNames(settings), ...archiveNames(settings)];
  const fixed = names.find((name) => ours.includes(name));
  if (fixed !== undefined) fail(`MSDHA_PG_ARGS: expected no ${fixed}, since MSDHA sets it itself`);
  // It asks for a file of settings; there may be no data yet.
  const none = join(settings.home, "postgresql.conf");
  files.write(none, "");
  const { code, stderr } = await context.run([
    ...[context.program("postgres"), "-D", settings.home, "-c", "lc_messages=C"],
    ...[...words, "-C", "port"],
  ]);
  files.remove(none);
  if (code === 0) return;
  const why = stderr.split("\n", 1)[0]?.replace(/^.*?FATAL:\s*/, "");
  fail(
    `MSDHA_PG_ARGS: expected options that the postgres program takes, got ${context.env["MSDHA_PG_ARGS"]} (${why})`,
  );
}
