import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { quoteSql } from "./quoting.ts";
import { SESSION_SETTINGS } from "./session-options.ts";
import { readSecret } from "./settings.ts";
import { runSingleUser } from "./single-user.ts";

/**
 * Gives the nodes of this group access to data that are not running: the replication user with this group's password and
 * what it has to read, and its line in pg_hba.conf. Safe to run again. `statements` are run first. Rejects with a
 * `HookFailure` where they fail, as on data of a standby.
 */
export async function giveAccess(
  context: HookContext,
  folder: string,
  { statements = [], archives = false }: GiveAccessOptions = {},
): Promise<void> {
  const { replicator } = context.settings;
  const settings = archives ? [] : ["archive_mode=off"];
  await runStatements(context, folder, { statements: [...statements, ...roleStatements(context)], settings });
  context.account.act(() => {
    const file = join(folder, "pg_hba.conf");
    const rule = `host replication "${replicator}" all scram-sha-256`;
    const general = `host all "${replicator}" all scram-sha-256`;
    const lines = readFileSync(file, "utf8").split("\n");
    const missing = [rule, general].filter((line) => !lines.includes(line));
    if (missing.length > 0) appendFileSync(file, ["", "# The other nodes.", ...missing, ""].join("\n"));
  });
}

export interface GiveAccessOptions {
  readonly statements?: readonly string[];
  /** Keep the log that the data's own settings want archived. Default: false, for data that are new. */
  readonly archives?: boolean;
}

/** No password is an argument, and none of these statements is logged. */
function roleStatements({ env, settings }: HookContext): readonly string[] {
  const { replicator } = settings;
  const password = readSecret(env, "MSDHA_PG_REPLICATION_PASSWORD");
  const role = quoteSql(replicator);
  return [
    "SET password_encryption = 'scram-sha-256'",
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN CREATE ROLE "${replicator}"; END IF; END $$`,
    `ALTER ROLE "${replicator}" REPLICATION LOGIN PASSWORD '${quoteSql(password)}'`,
    // A site may have taken it from all roles.
    `GRANT CONNECT ON DATABASE postgres TO "${replicator}"`,
    // How far a server is.
    `GRANT pg_monitor TO "${replicator}"`,
    // What pg_rewind reads on its source.
    `GRANT EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), ` +
      `pg_read_binary_file(text), pg_read_binary_file(text, bigint, bigint, boolean) TO "${replicator}"`,
  ];
}

async function runStatements(
  context: HookContext,
  folder: string,
  { statements, settings }: { readonly statements: readonly string[]; readonly settings: readonly string[] },
): Promise<void> {
  // The database or the role may have settings too. Only a statement wins over those.
  const own = [...SESSION_SETTINGS, "lc_messages=C"].map((one) => `SET ${one.replace(/=(.*)$/, " = '$1'")}`);
  const { code, stderr } = await runSingleUser(context, folder, {
    database: "postgres",
    statements: [...own, ...statements],
    settings: ["log_min_error_statement=panic", ...settings],
  });
  const complaints = stderr.split("\n").filter((line) => /ERROR|FATAL|PANIC/.test(line));
  for (const line of complaints) context.log(line);
  if (code !== 0 || complaints.length > 0) fail("the roles could not be made");
}
