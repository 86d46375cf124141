import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type HookContext, writeOut } from "./context.ts";
import { fail } from "./failure.ts";
import { makeFolders } from "./files.ts";
import { expiredBackups } from "./retention.ts";

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
 * Adds a base backup to the archive, removes what it leaves of no use, and resolves with its label. Rejects with a
 * `HookFailure` where it fails.
 */
export async function makeBaseBackup(context: HookContext): Promise<string> {
  const { account, settings } = context;
  const { archive, home, port, superuser } = settings;
  const folder = join(archive, "base", ".new");
  using _ = context.activity.begin("making a base backup");
  // The one of a former master that did not finish.
  account.act(() => rmSync(folder, { recursive: true, force: true }));
  let last = "";
  const made = await context.run(
    [
      ...["env", "LC_ALL=C", context.program("pg_basebackup")],
      ...["-w", "-h", home, "-p", String(port), "-U", superuser, "-D", folder],
      ...["-X", "stream", "-c", "fast", "--no-sync"],
    ],
    {
      log: (line) => {
        last = line;
      },
    },
  );
  if (made.code !== 0) fail(last || "pg_basebackup was cut short");
  for (const name of ["msdha.master", "msdha-sync.conf"]) context.files.remove(join(folder, name));
  writeOut(folder);
  const timeline = await context.server.value(
    "SELECT upper(lpad(to_hex(timeline_id), 8, '0')) FROM pg_control_checkpoint()",
  );
  const label = `${timeline}-${new Date().toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "")}`;
  account.act(() => renameSync(folder, join(archive, "base", label)));
  writeOut(join(archive, "base"));
  await forgetOldBackups(context);
  return label;
}

async function forgetOldBackups(context: HookContext): Promise<void> {
  const { account, files, settings } = context;
  const base = join(settings.archive, "base");
  const { archiveKeep: keep, archiveKeepMs: keepMs } = settings;
  const old = expiredBackups(baseBackups(context), { now: Date.now(), keep, keepMs });
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
