import { mkdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { readControlData } from "./control-data.ts";
import { messageOf } from "./failure.ts";
import { removeInParent, writeOut } from "./folders.ts";
import { walFiles } from "./history.ts";
import { isSegment, parseLsn, segmentNumber } from "./lsn.ts";
import { isOurs, logFolder, newTemporary, temporaryFolder } from "./place.ts";
import { boot } from "./rejoin-mark.ts";

/*
 * pg_rewind first empties the files of the log that it will get from the other server, also those by which it finds out what to rewind.
 * One that is cut would find nothing any more, and the data would need a clone. So a copy of them is kept until it is done.
 */

/** The checkpoint at the end of the log may reach into one more file. */
const LAST_RECORD_BYTES = 1_024n;

/** Keeps the log that a rewind needs, by what its trial says. Resolves with why it could not; undefined where it could. */
export async function keepRewindLog(context: HookContext, trial: string): Promise<string | undefined> {
  const { account, settings } = context;
  const from = /last common checkpoint at ([0-9A-F]+\/[0-9A-F]+) on timeline/.exec(trial)?.[1];
  if (from === undefined) return undefined;
  const needed = await segmentsFrom(context, from);
  const files = account.act(() => walFiles(settings.data)).filter((name) => needed(name) || isHistory(name));
  await forgetRewindLog(context);
  newTemporary(context);
  const sources = files.map((name) => join(settings.data, "pg_wal", name));
  try {
    return await copyLog(context, sources);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isNoRoom(messageOf(error))) throw error;
    await forgetRewindLog(context);
    return messageOf(error);
  }
}

async function copyLog(context: HookContext, sources: readonly string[]): Promise<string | undefined> {
  const draft = `${keptLog(context)}.new`;
  context.account.act(() => mkdirSync(draft, { mode: 0o700 }));
  const copied = await context.run(["env", "LC_ALL=C", "cp", "-p", "--", ...sources, draft]);
  context.signal.throwIfAborted();
  if (copied.code !== 0) {
    await forgetRewindLog(context);
    return copied.stderr;
  }
  context.files.write(bootFile(context), boot() ?? "");
  await writeOut(context, draft);
  const moved = await context.run(["mv", draft, keptLog(context)]);
  return moved.code === 0 ? undefined : moved.stderr;
}

/**
 * Returns whether a rewind whose log could not be kept may be made without: where only the room for that log is missing, and there
 * is room for all that the rewind writes. If it is cut all the same, the data need a clone.
 */
export function fitsWithoutLog(context: HookContext, unkept: string, trial: string): boolean {
  const needed = bytesToCopy(trial);
  if (needed === undefined || !isNoRoom(unkept)) return false;
  return [context.settings.data, logFolder(context)].every((folder) => {
    const { bavail, bsize } = context.account.act(() => statfsSync(folder));
    return bavail * bsize >= needed;
  });
}

/** Returns at most how much a rewind writes, by what its trial says; undefined where it does not say it. */
export function bytesToCopy(trial: string): number | undefined {
  const megabytes = /need to copy (\d+) MB/.exec(trial)?.[1];
  return megabytes === undefined ? undefined : (Number(megabytes) + 1) * 1_048_576;
}

/** Returns whether an error says that a file system is full, or the part of it that a user may have. */
export function isNoRoom(message: string): boolean {
  return /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/.test(message);
}

/**
 * Resolves with whether a rewind that counts as cut was done, and only its mark was not written any more: last of all
 * pg_rewind writes the control file. What the machine's memory had not written yet when it failed is missing.
 */
export async function isRewindDone(context: HookContext): Promise<boolean> {
  const since = context.files.read(bootFile(context));
  if (!since || since !== boot()) return false;
  return (await readControlData(context)).get("Database cluster state") === "in archive recovery";
}

/** Has data whose rewind was cut have the log again that another rewind needs. Resolves with why they could not; undefined where they could. */
export async function restoreRewindLog(context: HookContext): Promise<string | undefined> {
  if (!isOurs(context) || !context.files.exists(keptLog(context))) return undefined;
  const copied = await context.run([
    "cp",
    "-p",
    `${keptLog(context)}/.`,
    "-R",
    join(context.settings.data, "pg_wal"),
  ]);
  context.signal.throwIfAborted();
  return copied.code === 0 ? undefined : copied.stderr;
}

/** Removes the copy, where there is one that MSDHA has made. */
export async function forgetRewindLog(context: HookContext): Promise<void> {
  if (!isOurs(context)) return;
  const there = [keptLog(context), `${keptLog(context)}.new`].some((path) => context.files.exists(path));
  if (there) await removeInParent(context, temporaryFolder(context));
}

function keptLog(context: HookContext): string {
  return join(temporaryFolder(context), "rewind-log");
}

/** Says which start of the machine the rewind was begun in. */
function bootFile(context: HookContext): string {
  return join(temporaryFolder(context), "rewind-boot");
}

function isHistory(name: string): boolean {
  return /^[0-9A-F]{8}\.history$/.test(name);
}

/** Later files than the end of the log are there to be written next. */
async function segmentsFrom(context: HookContext, from: string): Promise<(name: string) => boolean> {
  const control = await readControlData(context);
  const segmentBytes = Number(control.get("Bytes per WAL segment"));
  const ends = ["Latest checkpoint location", "Minimum recovery ending location"].map((field) =>
    segmentNumber(parseLsn(control.get(field) ?? "0/0") + LAST_RECORD_BYTES, segmentBytes),
  );
  const last = ends.sort().at(-1) ?? "";
  const first = segmentNumber(parseLsn(from), segmentBytes);
  return (name) => isSegment(name) && name.slice(8) >= first && name.slice(8) <= last;
}
