import { readFile, readlink } from "node:fs/promises";
import { waitFor } from "@msdha/testkit";

const PATIENCE_MS = 3_000;

/**
 * Ends a PostgreSQL server at once, but so that it cleans up after itself. Its supervisor is frozen meanwhile and so
 * neither hands over nor gives up.
 */
export async function endServer(dataFolder: string, supervisor: number | undefined): Promise<void> {
  const pid = await findServer(dataFolder);
  if (pid === undefined) return;
  if (supervisor !== undefined) send(supervisor, "SIGSTOP");
  send(pid, "SIGQUIT");
  const gone = async (): Promise<boolean> => (await findServer(dataFolder)) === undefined;
  await waitFor(gone, { what: "PostgreSQL to end", timeoutMs: PATIENCE_MS }).catch(() => {});
}

/** The server that uses this folder. Its pid file alone says little: the number may be another process's by now. */
export async function findServer(dataFolder: string): Promise<number | undefined> {
  const [first] = (await readFile(`${dataFolder}/postmaster.pid`, "utf8").catch(() => "")).split("\n");
  const cwd = await readlink(`/proc/${first}/cwd`).catch(() => undefined);
  return cwd === dataFolder ? Number(first) : undefined;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
