import { join } from "node:path";
import { makeDataByCommand } from "./backup-commands.ts";
import { LAST_BACKUP_KEY } from "./backups.ts";
import { newestBaseBackup } from "./base-backups.ts";
import type { HookContext } from "./context.ts";
import { fail, messageOf } from "./failure.ts";
import { writeOut } from "./folders.ts";
import { claimIdentity } from "./identity.ts";
import { clearTemporary, newData, newTemporary, temporaryFolder } from "./place.ts";
import { forgetRecovery } from "./recovery-settings.ts";

/** Where a node without a master gets its data from: a folder of the archive, or MSDHA_PG_CLONE_COMMAND. */
export type BackupSource =
  | { readonly kind: "folder"; readonly folder: string }
  | { readonly kind: "command" };

/** Resolves with the source of the newest base backup; undefined where the group has made none. */
export async function findBackup(context: HookContext): Promise<BackupSource | undefined> {
  const folder = await newestBaseBackup(context);
  if (folder !== undefined) return { kind: "folder", folder };
  if (context.settings.cloneCommand === "") return undefined;
  return (await context.store.get(LAST_BACKUP_KEY)) === undefined ? undefined : { kind: "command" };
}

/**
 * Makes the data from the newest base backup. They lack what was not archived yet, so the node won't be promoted before it
 * has streamed from a master, unless MSDHA_PG_ARCHIVE_PROMOTE allows it. Resolves with whether they are there.
 */
export async function restoreBackup(context: HookContext, source: BackupSource): Promise<boolean> {
  const { cloneCommand } = context.settings;
  await clearTemporary(context);
  newTemporary(context);
  const from = source.kind === "folder" ? source.folder : "a backup (MSDHA_PG_CLONE_COMMAND)";
  using _ = context.activity.begin("restoring a base backup");
  context.log(`there is no master: restoring the data from ${from}`);
  try {
    if (source.kind === "folder") await copyFolder(context, source.folder);
    else await makeDataByCommand(context, "MSDHA_PG_CLONE_COMMAND", cloneCommand);
  } catch (error) {
    context.signal.throwIfAborted();
    context.log(`the backup could not be restored: ${messageOf(error)}`);
    await clearTemporary(context);
    return false;
  }
  const { ours, theirs } = await claimIdentity(context, newData(context));
  if (ours !== theirs) {
    fail(`${from} belongs to another cluster (system identifier ${ours}, the group's is ${theirs})`);
  }
  await markIncomplete(context);
  return true;
}

/** Notes that new data came from a backup, and removes what would have them recover to some point by themselves. */
export async function markIncomplete(context: HookContext): Promise<void> {
  forgetRecovery(context, newData(context));
  context.files.write(join(newData(context), "msdha.incomplete"), "");
  await writeOut(context, temporaryFolder(context));
}

async function copyFolder(context: HookContext, base: string): Promise<void> {
  const copied = await context.run(["cp", "-R", base, newData(context)], { log: context.log });
  if (copied.code !== 0) fail(`cp ended with exit code ${copied.code}`);
  await context.run(["chmod", "700", newData(context)]);
}
