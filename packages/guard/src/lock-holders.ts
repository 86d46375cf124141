import { readdir, readFile, readlink, realpath } from "node:fs/promises";

/**
 * The processes that hold the lock on `lockFile`, as far as this one may look into others. One that closed the
 * descriptor which it inherited is not among them, nor is one that has the file open without the lock.
 */
export async function findLockHolders(lockFile: string): Promise<number[]> {
  return await findHoldersOf(await realpath(lockFile).catch(() => lockFile));
}

/** The same for a path without links in it: looks at no file system but `/proc`, as that of the lock file may hang. */
export async function findHoldersOf(path: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const holders: number[] = [];
  for (const pid of pids) {
    if (await holds(pid, path)) holders.push(Number(pid));
  }
  return holders;
}

async function holds(pid: string, path: string): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const fd of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
    if (target !== path && target !== `${path} (deleted)`) continue;
    const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, "utf8").catch(() => "");
    if (/^lock:.*FLOCK/m.test(info)) return true;
  }
  return false;
}
