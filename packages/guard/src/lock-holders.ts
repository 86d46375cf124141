import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const SWEEPS = 100;
const SWEEP_PAUSE_MS = 20;

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

/** Kills them again and again until none is left, or for two seconds. */
export async function killLockHolders(lockFile: string): Promise<void> {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const holders = (await findLockHolders(lockFile)).filter((pid) => pid !== process.pid);
    if (holders.length === 0) return;
    for (const pid of holders) kill(pid);
    await sleep(SWEEP_PAUSE_MS);
  }
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

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended, or is not ours to kill.
  }
}
