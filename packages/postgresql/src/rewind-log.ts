import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { readControlData } from "./control-data.ts";
import { removeInParent, writeOut } from "./folders.ts";
import { walFiles } from "./history.ts";
import { isSegment, parseLsn, segmentNumber } from "./lsn.ts";
import { newTemporary, temporaryFolder } from "./place.ts";
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
  const draft = `${keptLog(context)}.new`;
  account.act(() => mkdirSync(draft, { mode: 0o700 }));
  const sources = files.map((name) => join(settings.data, "pg_wal", name));
  const copied = await context.run(["cp", "-p", "--", ...sources, draft]);
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
  if (!context.files.exists(keptLog(context))) return undefined;
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

/** Removes the copy, where there is one. */
export async function forgetRewindLog(context: HookContext): Promise<void> {
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
