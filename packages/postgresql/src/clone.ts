import { statfsSync } from "node:fs";
import { readProgress } from "./activity.ts";
import { makeDataByCommand } from "./backup-commands.ts";
import { findCloneSource } from "./clone-source.ts";
import { conninfo } from "./conninfo.ts";
import type { HookContext } from "./context.ts";
import type { Master } from "./current-master.ts";
import { HookFailure, messageOf } from "./failure.ts";
import { writeOut } from "./folders.ts";
import { reserveLog } from "./history.ts";
import { claimIdentity } from "./identity.ts";
import { majorVersion } from "./major-version.ts";
import type { Peer } from "./peer.ts";
import { clearTemporary, newData, newTemporary, temporaryFolder } from "./place.ts";
import { markIncomplete } from "./restore-backup.ts";
import { formatSize } from "./sizes.ts";
import { whyNoTablespaces } from "./tablespaces.ts";

/** Remembers which master has been logged as one that does not answer, and how many clones have failed. */
export interface CloneNotes {
  unreachable: string;
  failures: number;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Returns how long to wait after so many clones that failed. Each clone has the master make a checkpoint, so what can't
 * succeed is tried less and less often.
 */
export function clonePause({ failures }: Pick<CloneNotes, "failures">): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.max(failures - 1, 0), LONGEST_PAUSE_MS);
}

/** Clones the data of the master beside the data directory. Resolves with true when they are there, whole. */
export async function clone(
  context: HookContext,
  { name, address }: Master,
  notes: CloneNotes,
): Promise<boolean> {
  const peer = context.peer(address);
  let needed: string | null;
  let noTablespaces: string | undefined;
  try {
    noTablespaces = await whyNoTablespaces(context, peer);
    needed = await peer.value("SELECT pg_tablespace_size('pg_default') + pg_tablespace_size('pg_global')");
  } catch (error) {
    if (error instanceof HookFailure) throw error;
    if (notes.unreachable !== address) {
      context.log(`waiting for ${name} (${address}), to clone the data from it: ${messageOf(error)}`);
    }
    notes.unreachable = address;
    return false;
  }
  await clearTemporary(context);
  newTemporary(context);
  const why =
    noTablespaces ??
    noRoom(context, Number(needed)) ??
    (await makeCopy(context, peer, { name, address }, notes));
  if (why === undefined) {
    await writeOut(context, newData(context));
    return true;
  }
  context.signal.throwIfAborted();
  notes.failures += 1;
  const seconds = clonePause(notes) / 1_000;
  context.log(`the clone failed and will be tried again in ${seconds} s: ${why}`);
  await clearTemporary(context);
  return false;
}

/** Returns why there is no room for so many bytes; undefined where there is. Nothing is asked of the master then. */
function noRoom(context: HookContext, needed: number): string | undefined {
  const folder = temporaryFolder(context);
  const { bavail, bsize } = context.account.act(() => statfsSync(folder));
  const free = bavail * bsize;
  if (free >= needed) return undefined;
  return `${context.settings.parent} has ${formatSize(free)} free, and the data take ${formatSize(needed)}`;
}

/** From a backup, where MSDHA_PG_CLONE_COMMAND says how: the master then sends only what is newer. */
async function makeCopy(
  context: HookContext,
  peer: Peer,
  master: Master,
  { failures }: CloneNotes,
): Promise<string | undefined> {
  const { settings } = context;
  if (settings.cloneCommand !== "" && (await copyBackup(context, peer, master.name))) return undefined;
  const slot = await reserveLog(context, peer);
  // What failed once is not tried again.
  const source = failures === 0 ? await findCloneSource(context, master) : master;
  return await copyData(context, source, source.address === master.address ? slot : "");
}

/** Resolves with whether a backup of this group is there now. */
async function copyBackup(context: HookContext, peer: Peer, name: string): Promise<boolean> {
  const { cloneCommand } = context.settings;
  using _ = context.activity.begin("cloning from a backup");
  try {
    await reserveLog(context, peer);
    context.log("cloning the data from a backup (MSDHA_PG_CLONE_COMMAND)");
    await makeDataByCommand(context, "MSDHA_PG_CLONE_COMMAND", cloneCommand);
    const { ours, theirs } = await claimIdentity(context, newData(context));
    if (ours !== theirs) throw new Error(`it is of another cluster (system identifier ${ours})`);
    await markIncomplete(context);
    return true;
  } catch (error) {
    context.signal.throwIfAborted();
    context.log(`no clone from a backup, so the data of ${name} are cloned: ${messageOf(error)}`);
    await clearTemporary(context);
    newTemporary(context);
    return false;
  }
}

/** Resolves with why the data could not be copied; undefined when they are there. */
async function copyData(
  context: HookContext,
  { name, address }: Master,
  slot: string,
): Promise<string | undefined> {
  const { log, settings } = context;
  log(`cloning the data of ${name} (${address})`);
  using activity = context.activity.begin(`cloning from ${name}`);
  let last = "";
  const version = await majorVersion(context);
  const { code } = await context.run(
    [
      ...["env", "LC_ALL=C", context.program("pg_basebackup")],
      ...["-w", "-d", conninfo(settings, address, { version }), "-D", newData(context)],
      ...["-X", "stream", "-c", "fast", "--no-sync", "--progress"],
      ...(slot === "" ? [] : ["-S", slot]),
      ...(settings.cloneMaxRate === "" ? [] : ["--max-rate", settings.cloneMaxRate]),
    ],
    {
      log: (line) => {
        const percent = readProgress(line);
        if (line === "waiting for checkpoint") return;
        if (percent !== undefined) return activity.update(`cloning ${percent} % from ${name}`);
        if (/error|FATAL/.test(line)) last = line;
        log(line);
      },
    },
  );
  return code === 0 ? undefined : last || "it was cut short";
}
