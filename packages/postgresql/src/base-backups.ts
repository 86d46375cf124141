import { join } from "node:path";
import { conninfo } from "./conninfo.ts";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { makeFolders } from "./files.ts";
import { removeFolders, writeOut } from "./folders.ts";
import { majorVersion } from "./major-version.ts";
import { backupTime, expiredBackups } from "./retention.ts";

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

/** Resolves with the folder of the newest base backup, by its log; undefined where there is none. */
export async function newestBaseBackup(context: HookContext): Promise<string | undefined> {
  const { archive } = context.settings;
  if (archive === "") return undefined;
  const newest = (await startsOf(context, await baseBackups(context))).toSorted(byLog).at(-1);
  return newest && join(archive, "base", newest.label);
}

/** Resolves with the labels of the base backups. A folder of another name is somebody else's. */
async function baseBackups({ run, settings }: HookContext): Promise<readonly string[]> {
  const { stdout } = await run(["ls", join(settings.archive, "base")]);
  return stdout.split("\n").filter((name) => !Number.isNaN(backupTime(name)));
}

/** A base backup, and the first file of the log that it needs. */
interface BackupStart {
  readonly label: string;
  readonly file: string;
}

/** Resolves with the beginnings of those base backups that say where they begin. */
async function startsOf(
  { run, settings }: HookContext,
  labels: readonly string[],
): Promise<readonly BackupStart[]> {
  if (labels.length === 0) return [];
  const files = labels.map((label) => join(settings.archive, "base", label, "backup_label"));
  const { stdout } = await run(["grep", "-H", "^START WAL LOCATION: ", ...files]);
  return stdout.split("\n").flatMap((line) => {
    const [, label = "", file = ""] = /([^/]+)\/backup_label:.*\(file ([0-9A-F]{24})\)$/.exec(line) ?? [];
    return file === "" ? [] : [{ label, file }];
  });
}

/** By timeline and place: their times are those of clocks. */
function byLog(one: BackupStart, other: BackupStart): number {
  return one.file < other.file ? -1 : one.file > other.file ? 1 : one.label < other.label ? -1 : 1;
}

/**
 * Adds a base backup to the archive, removes what it leaves of no use, and resolves with its label. Rejects with a
 * `HookFailure` where it fails. Programs do all that concerns the archive: it may be on a network that hangs.
 */
export async function makeBaseBackup(context: HookContext): Promise<string> {
  const base = join(context.settings.archive, "base");
  const folder = join(base, ".new");
  using _ = context.activity.begin("making a base backup");
  await refuseTablespaces(context);
  // The one of a former master that did not finish.
  await removeFolders(context, [folder]);
  await copyServer(context, folder);
  await removeFolders(
    context,
    ["msdha.master", "msdha-sync.conf"].map((name) => join(folder, name)),
  );
  await writeOut(context, folder);
  const timeline = await context.server.value(
    "SELECT upper(lpad(to_hex(timeline_id), 8, '0')) FROM pg_control_checkpoint()",
  );
  const label = `${timeline}-${new Date().toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "")}`;
  const moved = await context.run(["mv", folder, join(base, label)]);
  if (moved.code !== 0) fail(`can't rename ${folder} to ${label}: ${moved.stderr.trim()}`);
  await writeOut(context, base);
  await forgetOldBackups(context);
  return label;
}

/** A copy of the data in plain files has their place in it, where the data themselves are. */
async function refuseTablespaces({ server }: HookContext): Promise<void> {
  const names = await server.value(
    "SELECT string_agg(spcname, ', ' ORDER BY spcname) FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE '/%'",
  );
  if (names === null) return;
  fail(
    `MSDHA_PG_ARCHIVE can't hold tablespaces outside of the data directory (${names}): use a backup tool instead (MSDHA_PG_BACKUP_COMMAND)`,
  );
}

/**
 * As the other nodes clone this one: what `pg_hba.conf` says of them is known, unlike what it says of local logins. A node that
 * does not reach its own address, as behind some routers, tries those.
 */
async function copyServer(context: HookContext, folder: string): Promise<void> {
  const { env, log, settings } = context;
  const { home, port, superuser } = settings;
  const own = conninfo(settings, env["MSDHA_ADDRESS"] ?? "", { version: await majorVersion(context) });
  const why = await runBaseBackup(context, ["-d", own], folder);
  if (why === undefined) return;
  log(`no base backup by this node's own address, trying its socket: ${why}`);
  await removeFolders(context, [folder]);
  const again = await runBaseBackup(context, ["-h", home, "-p", String(port), "-U", superuser], folder);
  if (again !== undefined) fail(why);
}

/** Resolves with why it failed; undefined where it has not. */
async function runBaseBackup(
  context: HookContext,
  server: readonly string[],
  folder: string,
): Promise<string | undefined> {
  const made = await context.run([
    ...["env", "LC_ALL=C", context.program("pg_basebackup"), "-w", ...server, "-D", folder],
    ...["-X", "stream", "-c", "fast", "--no-sync"],
  ]);
  context.signal.throwIfAborted();
  if (made.code === 0) return undefined;
  // One may be the cause of the next, and the last line of all is about what it removes.
  const errors = made.stderr.split("\n").filter((line) => /error|FATAL/.test(line));
  return errors.join("; ") || "pg_basebackup was cut short";
}

async function forgetOldBackups(context: HookContext): Promise<void> {
  const { archive, archiveKeep: keep, archiveKeepMs: keepMs } = context.settings;
  const base = join(archive, "base");
  const old = expiredBackups(await baseBackups(context), { now: Date.now(), keep, keepMs });
  await removeFolders(
    context,
    old.map((name) => join(base, name)),
  );
  const kept = await baseBackups(context);
  const starts = await startsOf(context, kept);
  const unknown = kept.find((label) => starts.every((start) => start.label !== label));
  if (unknown !== undefined) {
    context.log(
      `the archive keeps all of its log: ${join(base, unknown)} does not say how much of it it needs`,
    );
    return;
  }
  // Its timeline does not matter: pg_archivecleanup compares places only.
  const [first] = starts
    .map(({ file }) => file)
    .toSorted((one, other) => (placeOf(one) < placeOf(other) ? -1 : 1));
  if (first === undefined) return;
  await context.run([context.program("pg_archivecleanup"), join(archive, "wal"), first], {
    log: context.log,
  });
}

/** Returns the place in the log of a file, without the timeline. */
function placeOf(file: string): string {
  return file.slice(8);
}
