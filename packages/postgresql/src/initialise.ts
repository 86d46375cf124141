import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { type HookContext, writeOut } from "./context.ts";
import { fail } from "./failure.ts";
import { claimIdentity } from "./identity.ts";
import { runInitScripts } from "./init-scripts.ts";
import {
  clearTemporary,
  initialisedMark,
  newData,
  newTemporary,
  takeIntoUse,
  temporaryFolder,
} from "./place.ts";
import { quoteSql } from "./quoting.ts";
import { readSecret } from "./settings.ts";
import { splitWords } from "./words.ts";

/** Makes the group's data. Resolves with true when they are in place; with false when the group has data already. */
export async function initialise(context: HookContext): Promise<boolean> {
  if (!context.files.exists(initialisedMark(context))) await makeCluster(context);
  const { ours, theirs } = await claimIdentity(context, newData(context));
  if (ours === theirs) {
    takeIntoUse(context);
    return true;
  }
  context.log(
    `the group has data already (system identifier ${theirs}): waiting for a master to clone them from`,
  );
  context.files.remove(initialisedMark(context));
  clearTemporary(context);
  return false;
}

async function makeCluster(context: HookContext): Promise<void> {
  const { env, files, settings } = context;
  const initdbArgs = splitWords(readSecret(env, "POSTGRES_INITDB_ARGS"));
  const password = readSecret(env, "POSTGRES_PASSWORD");
  const auth = env["POSTGRES_HOST_AUTH_METHOD"] || "scram-sha-256";
  if (password === "" && auth !== "trust") {
    fail("POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE: expected the superuser's password, got none");
  }
  clearTemporary(context);
  newTemporary(context);
  using _ = context.activity.begin("initialising the data of the group");
  context.log(`initialising the group's data in ${settings.data}`);
  const passwordFile = join(temporaryFolder(context), "password");
  files.write(passwordFile, `${password}\n`);
  const made = await context.run(
    [
      context.program("initdb"),
      ...["-D", newData(context), "--no-sync", "--data-checksums", "--encoding=UTF8"],
      ...(env["LANG"] || env["LC_ALL"] ? [] : ["--locale=C.UTF-8"]),
      `--username=${settings.superuser}`,
      ...(password === "" ? [] : [`--pwfile=${passwordFile}`]),
      ...["--auth-local=trust", `--auth-host=${auth}`],
      ...initdbArgs,
    ],
    { log: context.log },
  );
  files.remove(passwordFile);
  if (made.code !== 0) fail("initdb failed");
  const rules = [
    "",
    "# The other nodes and the clients.",
    `host all all all ${auth}`,
    `host replication "${settings.replicator}" all scram-sha-256`,
    "",
  ];
  context.account.act(() => appendFileSync(join(newData(context), "pg_hba.conf"), rules.join("\n")));
  await makeRoles(context);
  await runInitScripts(context);
  writeOut(newData(context));
  files.write(initialisedMark(context), "");
}

/** The replication user and the database, in single-user mode: nothing listens yet, no password is an argument. */
async function makeRoles(context: HookContext): Promise<void> {
  const { settings, env } = context;
  const { replicator, superuser, database } = settings;
  const password = readSecret(env, "MSDHA_PG_REPLICATION_PASSWORD");
  const statements = [
    "SET password_encryption = 'scram-sha-256'",
    `CREATE ROLE "${replicator}" REPLICATION LOGIN PASSWORD '${quoteSql(password)}'`,
    // How far a server is.
    `GRANT pg_monitor TO "${replicator}"`,
    // What pg_rewind reads on its source.
    `GRANT EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), ` +
      `pg_read_binary_file(text), pg_read_binary_file(text, bigint, bigint, boolean) TO "${replicator}"`,
    ...(database === "postgres" ? [] : [`CREATE DATABASE "${database}" OWNER "${superuser}"`]),
  ];
  const { code, stderr } = await context.run(
    [
      context.program("postgres"),
      ...["--single", "-D", newData(context), "-c", "log_min_error_statement=panic", "postgres"],
    ],
    { input: `${statements.join("\n")}\n` },
  );
  const complaints = stderr.split("\n").filter((line) => /ERROR|FATAL|PANIC/.test(line));
  for (const line of complaints) context.log(line);
  if (code !== 0 || complaints.length > 0) fail("the roles could not be made");
}
