import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { waitFor } from "@msdha/testkit";

const run = promisify(execFile);
const PATIENCE_MS = 3_000;

/**
 * Ends a PostgreSQL server at once, but so that it gives its shared memory back, which a killed one does not; its
 * supervisor is frozen meanwhile and so does not hand over. The returned function removes the shared memory of a
 * server that was killed earlier; call it when nothing of the node is left.
 */
export async function endServer(
  dataFolder: string,
  supervisor: number | undefined,
): Promise<() => Promise<void>> {
  const pidFile = `${dataFolder}/postmaster.pid`;
  const lines = (await readFile(pidFile, "utf8").catch(() => "")).split("\n");
  const pid = Number(lines[0]);
  const memory = lines[6]?.trim().split(/\s+/)[1];
  if (!(pid > 1)) return async () => {};
  if (supervisor !== undefined) send(supervisor, "SIGSTOP");
  if (send(pid, "SIGQUIT")) {
    const gone = async (): Promise<boolean> => !send(pid, 0);
    await waitFor(gone, { what: "PostgreSQL to end", timeoutMs: PATIENCE_MS }).catch(() => {});
  }
  return async () => {
    if (memory !== undefined && (await isOrphan(memory, pid)))
      await run("ipcrm", ["-m", memory]).catch(() => {});
  };
}

/** Whether this shared memory was made by that process and nobody uses it any more. */
async function isOrphan(id: string, creator: number): Promise<boolean> {
  const table = await readFile("/proc/sysvipc/shm", "utf8").catch(() => "");
  return table.split("\n").some((row) => {
    const [, shmid, , , cpid, , nattch] = row.trim().split(/\s+/);
    return shmid === id && cpid === String(creator) && nattch === "0";
  });
}

/** Returns false when there is no such process. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
