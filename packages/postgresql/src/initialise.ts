import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { writeOut } from "./folders.ts";
import { giveAccess } from "./group-access.ts";
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
import { recoverOtherGroup } from "./recover-backup.ts";
import { readSecret } from "./settings.ts";
import { splitWords } from "./words.ts";

/** Makes the group's data. Resolves with true when they are in place; with false when the group has data already. */
export async function initialise(context: HookContext): Promise<boolean> {
  if (!context.files.exists(initialisedMark(context))) {
    if (context.settings.initdbCommand === "") await makeCluster(context);
    else await recoverOtherGroup(context);
    context.files.write(initialisedMark(context), "");
  }
  const { ours, theirs } = await claimIdentity(context, newData(context));
  if (ours === theirs) {
    await takeIntoUse(context);
    return true;
  }
  context.log(
    `the group has data already (system identifier ${theirs}): waiting for a master to clone them from`,
  );
  context.files.remove(initialisedMark(context));
  await clearTemporary(context);
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
  await clearTemporary(context);
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
  const rules = ["", "# The other nodes and the clients.", `host all all all ${auth}`, ""];
  context.account.act(() => appendFileSync(join(newData(context), "pg_hba.conf"), rules.join("\n")));
  const { database, superuser } = settings;
  const databases = database === "postgres" ? [] : [`CREATE DATABASE "${database}" OWNER "${superuser}"`];
  await giveAccess(context, newData(context), { statements: databases });
  await runInitScripts(context);
  await writeOut(context, newData(context));
}
