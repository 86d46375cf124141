import { readFile } from "node:fs/promises";
import { waitFor } from "@msdha/testkit";

const PATIENCE_MS = 3_000;

/**
 * Ends a PostgreSQL server at once, but so that it gives its shared memory back. Its supervisor is frozen meanwhile
 * and so neither hands over nor gives up.
 */
export async function endServer(dataFolder: string, supervisor: number | undefined): Promise<void> {
  const [pid] = (await readFile(`${dataFolder}/postmaster.pid`, "utf8").catch(() => ""))
    .split("\n")
    .map(Number);
  if (pid === undefined || !(pid > 1)) return;
  if (supervisor !== undefined) send(supervisor, "SIGSTOP");
  if (!send(pid, "SIGQUIT")) return;
  await waitFor(() => !send(pid, 0), { what: "PostgreSQL to end", timeoutMs: PATIENCE_MS }).catch(() => {});
}

/** Returns false when there is no such process. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
