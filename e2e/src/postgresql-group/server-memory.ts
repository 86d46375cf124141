import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Notes the shared memory of these processes, which PostgreSQL's leave behind when they are killed. The returned
 * function removes what is left of it; call it when none of them is alive.
 */
export async function noteSharedMemory(pids: Iterable<number>): Promise<() => Promise<void>> {
  const creators = new Set([...pids].map(String));
  const files = new Set<string>();
  for (const pid of creators) {
    const maps = await readFile(`/proc/${pid}/maps`, "utf8").catch(() => "");
    for (const [file] of maps.matchAll(/\/dev\/shm\/PostgreSQL\.\d+/g)) files.add(file);
  }
  return async () => {
    for (const file of files) await rm(file, { force: true });
    for (const segment of await listOrphans(creators)) await run("ipcrm", ["-m", segment]).catch(() => {});
  };
}

/** The segments that were made by these processes and that nobody uses any more. */
async function listOrphans(creators: ReadonlySet<string>): Promise<string[]> {
  const table = await readFile("/proc/sysvipc/shm", "utf8").catch(() => "");
  return table.split("\n").flatMap((row) => {
    const [, id = "", , , creator = "", , uses] = row.trim().split(/\s+/);
    return creators.has(creator) && uses === "0" ? [id] : [];
  });
}
