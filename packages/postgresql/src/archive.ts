import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type HookContext, writeOut } from "./context.ts";
import { fail } from "./failure.ts";
import { makeFolders } from "./files.ts";
import { claimIdentity } from "./identity.ts";
import { clearTemporary, newData, newTemporary, temporaryFolder } from "./place.ts";

/*
 * MSDHA_PG_ARCHIVE: base backups (base/TIMELINE-DATE) and the log (wal/), in a folder that the nodes share, or of each
 * one's own.
 */

/** Makes the archive's folders. Throws a `HookFailure` where the server's user can't write to them. */
export function prepareArchive({ account, settings: { archive } }: HookContext): void {
  if (archive === "") return;
  const folders = ["wal", "base"].map((name) => join(archive, name));
  try {
    account.act(() => {
      for (const folder of folders) makeFolders(folder);
    });
  } catch {
    // Said below.
  }
  if (!folders.every((folder) => account.may("w", folder))) {
    fail(`MSDHA_PG_ARCHIVE: the user ${account.userName} can't write to ${archive}`);
  }
}

/** Returns the folder of the newest base backup; undefined where there is none. */
export function newestBaseBackup(context: HookContext): string | undefined {
  const newest = baseBackups(context).at(-1);
  return newest === undefined ? undefined : join(context.settings.archive, "base", newest);
}

function baseBackups({ account, settings: { archive } }: HookContext): readonly string[] {
  if (archive === "") return [];
  try {
    return account.act(() =>
      readdirSync(join(archive, "base"))
        .filter((name) => !name.startsWith("."))
        .sort(),
    );
  } catch {
    return [];
  }
}

/**
 * Makes the data from the archive. They lack what was not archived yet, so the node won't be promoted before it has
 * streamed from a master, unless MSDHA_PG_ARCHIVE_PROMOTE allows it. Resolves with whether they are there.
 */
export async function restoreBaseBackup(context: HookContext, base: string): Promise<boolean> {
  clearTemporary(context);
  newTemporary(context);
  using _ = context.activity.begin("restoring a base backup");
  context.log(`there is no master: restoring the data from ${base}`);
  const folder = newData(context);
  const copied = await context.run(["cp", "-R", base, folder], { log: context.log });
  if (copied.code !== 0) {
    clearTemporary(context);
    return false;
  }
  await context.run(["chmod", "700", folder]);
  const { ours, theirs } = await claimIdentity(context, folder);
  if (ours !== theirs) {
    fail(
      `MSDHA_PG_ARCHIVE: ${base} belongs to another cluster (system identifier ${ours}, the group's is ${theirs})`,
    );
  }
  context.files.write(join(folder, "msdha.incomplete"), "");
  writeOut(temporaryFolder(context));
  return true;
}

/** Adds a base backup to the archive and removes what more than MSDHA_PG_ARCHIVE_KEEP of them leave of no use. */
export async function makeBaseBackup(context: HookContext): Promise<void> {
  const { account, settings } = context;
  const { archive, home, port, superuser } = settings;
  const folder = join(archive, "base", ".new");
  using _ = context.activity.begin("making a base backup");
  // The one of a former master that did not finish.
  account.act(() => rmSync(folder, { recursive: true, force: true }));
  const made = await context.run(
    [
      context.program("pg_basebackup"),
      ...["-w", "-h", home, "-p", String(port), "-U", superuser, "-D", folder],
      ...["-X", "stream", "-c", "fast", "--no-sync"],
    ],
    { log: context.log },
  );
  if (made.code !== 0) {
    context.log("the base backup failed");
    return;
  }
  for (const name of ["msdha.master", "msdha-sync.conf"]) context.files.remove(join(folder, name));
  writeOut(folder);
  const timeline = await context.server.value(
    "SELECT upper(lpad(to_hex(timeline_id), 8, '0')) FROM pg_control_checkpoint()",
  );
  const label = `${timeline}-${new Date().toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "")}`;
  account.act(() => renameSync(folder, join(archive, "base", label)));
  writeOut(join(archive, "base"));
  await forgetOldBackups(context);
  context.log(`made the base backup ${label}`);
}

async function forgetOldBackups(context: HookContext): Promise<void> {
  const { account, files, settings } = context;
  const base = join(settings.archive, "base");
  const old = baseBackups(context).slice(0, -settings.archiveKeep);
  account.act(() => {
    for (const name of old) rmSync(join(base, name), { recursive: true, force: true });
  });
  const oldest = baseBackups(context)[0];
  if (oldest === undefined) return;
  const label = files.read(join(base, oldest, "backup_label")) ?? "";
  const first = /^START WAL LOCATION: .*\(file (.*)\)$/m.exec(label)?.[1];
  if (first === undefined) return;
  await context.run([context.program("pg_archivecleanup"), join(settings.archive, "wal"), first], {
    log: context.log,
  });
}
