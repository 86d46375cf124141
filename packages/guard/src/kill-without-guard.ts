import { execFile } from "node:child_process";
import { lstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { findHoldersOf } from "./lock-holders.ts";
import type { SignalReport } from "./roll.ts";
import { findSessions } from "./sessions.ts";

const HURRY_MS = 2_000;
const SWEEP_PAUSE_MS = 20;
const LATER_PAUSE_MS = 2_000;
/** How many processes are named. */
const SOME = 8;

export interface KillWithoutGuardOptions {
  /** What the guard had locked, by a path without links, and what `fileId` said of it then; undefined: nothing. */
  readonly lockFile: string | undefined;
  readonly lockFileId: string | undefined;
  /** The programs that were started and had not ended when the guard did. */
  readonly started: readonly number[];
  /** The guard's program, which says whether the lock file is free. */
  readonly binary: string;
  readonly onDenied: (denied: SignalReport) => void;
}

/**
 * Kills again and again, when both processes of a guard are dead, what holds the lock file, and what was started with its
 * sessions and descendants, until none is left. Gives up after two seconds on what was sent SIGKILL and hangs in the
 * kernel. Waits for what may not be killed, and for what it can't find: a process of another user, or one that may not be
 * traced, does not show its files (root needs CAP_SYS_PTRACE for that, which containers lack), but the lock file is not
 * free then. Calls `onDenied` with these each time that they change.
 */
export async function killWithoutGuard({
  lockFile,
  lockFileId,
  started,
  binary,
  onDenied,
}: KillWithoutGuardOptions): Promise<void> {
  let last = "";
  const tell = (denied: SignalReport, what: string): void => {
    if (what !== last) onDenied(denied);
    last = what;
  };
  const isFree = async (): Promise<boolean> =>
    lockFile === undefined || ((await saysFree(binary, lockFile)) && fileId(lockFile) === lockFileId);
  const begun = performance.now();
  for (
    let { leaders, pids } = await findSessions(started);
    ;
    { leaders, pids } = await findSessions(leaders)
  ) {
    const holders = lockFile === undefined ? [] : await findHoldersOf(lockFile);
    const found = new Set([...holders, ...pids]);
    found.delete(process.pid);
    const isLong = performance.now() - begun > HURRY_MS;
    const denied = [...found].filter((pid) => !kill(pid));
    if (denied.length > 0) tell(await describeDenied(denied), denied.join());
    else if (found.size > 0 && isLong) return;
    else if (found.size === 0 && (await isFree())) return;
    else if (found.size === 0 && isLong) tell(unseen, "unseen");
    await sleep(isLong ? LATER_PAUSE_MS : SWEEP_PAUSE_MS);
  }
}

const unseen: SignalReport = { reached: 0, someReached: [], denied: 1, someDenied: [] };

async function describeDenied(pids: readonly number[]): Promise<SignalReport> {
  const someDenied = await Promise.all(
    pids.slice(0, SOME).map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      const name = /^Name:\t(.*)$/m.exec(status)?.[1] ?? "";
      return { pid, name, user: Number(/^Uid:\t(\d+)/m.exec(status)?.[1] ?? -1), errno: "EPERM" };
    }),
  );
  return { reached: 0, someReached: [], denied: pids.length, someDenied };
}

/** Names a file whatever its path may mean later; undefined if there is none. */
export function fileId(path: string): string | undefined {
  const { dev, ino } = lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? {};
  return ino === undefined ? undefined : `${dev}:${ino}`;
}

/** No answer (no process for it, the file is gone) is a no. */
function saysFree(binary: string, lockFile: string): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      execFile(binary, ["--is-free", lockFile], { cwd: "/", env: {} }, (error) => resolve(error === null));
    } catch {
      resolve(false);
    }
  });
}

/** Returns false if it may not be killed. */
function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
  return true;
}
