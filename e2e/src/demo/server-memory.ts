import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Notes the shared memory of the PostgreSQL server that uses this folder, which one that is killed leaves behind until
 * its next start. The returned function removes what is left of it; call it when no process of the server is alive.
 */
export async function noteSharedMemory(dataFolder: string): Promise<() => Promise<void>> {
  const lines = (await readFile(`${dataFolder}/postmaster.pid`, "utf8").catch(() => "")).split("\n");
  const pid = lines[0] ?? "";
  const segment = lines[6]?.trim().split(/\s+/)[1];
  const maps = await readFile(`/proc/${pid}/maps`, "utf8").catch(() => "");
  const files = new Set(maps.match(/\/dev\/shm\/PostgreSQL\.\d+/g));
  return async () => {
    for (const file of files) await rm(file, { force: true });
    if (segment !== undefined && (await isOrphan(segment, pid)))
      await run("ipcrm", ["-m", segment]).catch(() => {});
  };
}

/** Whether this segment was made by that process and nobody uses it any more. */
async function isOrphan(id: string, creator: string): Promise<boolean> {
  const table = await readFile("/proc/sysvipc/shm", "utf8").catch(() => "");
  return table.split("\n").some((row) => {
    const [, shmid, , , cpid, , nattch] = row.trim().split(/\s+/);
    return shmid === id && cpid === creator && nattch === "0";
  });
}
