import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type HookContext, readOptionalSecret } from "./context.ts";
import { fail } from "./failure.ts";
import { removeFolders } from "./folders.ts";
import { newData } from "./place.ts";

/*
 * The commands of a backup tool, such as pgBackRest or WAL-G: MSDHA_PG_BACKUP_COMMAND, MSDHA_PG_CLONE_COMMAND and
 * MSDHA_PG_INITDB_COMMAND. A shell runs them as the server's user. Their lines go to the log.
 */

/** Runs MSDHA_PG_BACKUP_COMMAND, and resolves with a label for the log. Rejects with a `HookFailure` where it fails. */
export async function runBackupCommand(context: HookContext): Promise<string> {
  const { home, port, superuser, data, backupCommand } = context.settings;
  const password = readOptionalSecret(context.env, "POSTGRES_PASSWORD");
  using _ = context.activity.begin("making a base backup");
  await runCommand(context, "MSDHA_PG_BACKUP_COMMAND", backupCommand, {
    PGHOST: home,
    PGPORT: String(port),
    PGUSER: superuser,
    ...(password === "" ? {} : { PGPASSWORD: password }),
    PGDATA: data,
  });
  return `of ${new Date().toISOString()} (MSDHA_PG_BACKUP_COMMAND)`;
}

/**
 * Has a command make data in the folder that it finds in PGDATA, which is there and empty. What belonged to the
 * group that the data are from is removed. Rejects with a `HookFailure` where it fails.
 */
export async function makeDataByCommand(context: HookContext, name: string, command: string): Promise<void> {
  const folder = newData(context);
  context.account.act(() => mkdirSync(folder, { mode: 0o700 }));
  await runCommand(context, name, command, { PGDATA: folder });
  for (const file of ["PG_VERSION", "global/pg_control"]) {
    if (!context.files.exists(join(folder, file)))
      fail(`${name}: expected data in ${folder}, found no ${file}`);
  }
  const foreign = ["msdha.conf", "msdha-sync.conf", "msdha.master", "msdha.incomplete", "standby.signal"];
  for (const file of [...foreign, "postmaster.pid"]) context.files.remove(join(folder, file));
  await removeFolders(context, [join(folder, "pg_replslot")]);
  context.account.act(() => mkdirSync(join(folder, "pg_replslot"), { mode: 0o700 }));
}

/** PostgreSQL's programs are on the PATH of the command. */
async function runCommand(
  context: HookContext,
  name: string,
  command: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const { env, log } = context;
  const programs = context.program("").replace(/\/$/, "");
  let last = "";
  const { code } = await context.run(["sh", "-c", command], {
    env: { ...env, ...settings, PATH: `${env["PATH"] ?? ""}:${programs}` },
    logOutput: true,
    log: (line) => {
      last = line;
      log(line);
    },
  });
  context.signal.throwIfAborted();
  if (code !== 0) fail(`${name} ended with exit code ${code}${last === "" ? "" : `: ${last}`}`);
}
