import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { SignalReport } from "./roll.ts";

const SWEEPS = 100;
const SWEEP_PAUSE_MS = 20;
/** How many processes are named. */
const SOME = 8;

/**
 * The processes that hold the lock on `lockFile`, as far as this one may look into others. One that closed the
 * descriptor which it inherited is not among them, nor is one that has the file open without the lock.
 */
export async function findLockHolders(lockFile: string): Promise<number[]> {
  const path = await realpath(lockFile).catch(() => lockFile);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const holders: number[] = [];
  for (const pid of pids) {
    if (await holds(pid, path)) holders.push(Number(pid));
  }
  return holders;
}

/**
 * Kills them again and again until none is left. Gives up after two seconds on what was sent SIGKILL and hangs in the
 * kernel; what may not be killed is waited for, and `onDenied` is called with it each time that this changes.
 */
export async function killLockHolders(
  lockFile: string,
  { onDenied }: { readonly onDenied: (denied: SignalReport) => void },
): Promise<void> {
  let last = "";
  for (let sweep = 0; ; sweep++) {
    const holders = (await findLockHolders(lockFile)).filter((pid) => pid !== process.pid);
    const denied = holders.filter((pid) => !kill(pid));
    if (holders.length === 0 || (denied.length === 0 && sweep >= SWEEPS)) return;
    if (denied.join() !== last) onDenied(await describeDenied(denied));
    last = denied.join();
    await sleep(sweep < SWEEPS ? SWEEP_PAUSE_MS : SWEEP_PAUSE_MS * SWEEPS);
  }
}

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

async function holds(pid: string, path: string): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const fd of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
    if (target !== path) continue;
    const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, "utf8").catch(() => "");
    if (/^lock:.*FLOCK/m.test(info)) return true;
  }
  return false;
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
