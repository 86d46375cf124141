import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";

/*
 * Two nodes must never work in one data directory. PostgreSQL's own check knows process ids, which say nothing between
 * containers. So the server holds a lock on a file in its data as long as any of its processes lives: it counts for all
 * processes of a machine, and on file systems of a network that know such locks.
 */

const TAKEN = "75";
/** Processes of this node's server that was killed may need a moment to be gone. */
const LONGEST_WAIT_S = "5";

/** Throws a `HookFailure` where a server works in the data. Resolves with whether the file system knows locks. */
export async function checkDataLock(context: HookContext): Promise<boolean> {
  const { data } = context.settings;
  const options = ["-w", LONGEST_WAIT_S, "-E", TAKEN];
  const { code, stderr } = await context.run(["flock", ...options, lockFile(data), "true"]);
  if (code === 0) return true;
  if (code === Number(TAKEN))
    fail(`PGDATA: another server works in ${data}: do two nodes have the same volume?`);
  context.log(`${data} is not locked against a second server: ${stderr.trim()}`);
  return false;
}

/** Returns what goes before the command of the server, so that it holds the lock. */
export function lockPrefix(data: string): readonly string[] {
  return ["flock", "-nF", "-E", TAKEN, lockFile(data)];
}

/**
 * Removes what a killed server has left in data in which no server works: in a container its process id is soon another process's, and
 * the next server, or the one that recovers the data, refuses to start.
 */
export function removeStaleLocks({ files, server, settings: { data, home, port } }: HookContext): void {
  if (server.isRunning()) return;
  for (const lock of [`${data}/postmaster.pid`, `${home}/.s.PGSQL.${port}.lock`]) {
    if (files.exists(lock)) files.remove(lock);
  }
}

function lockFile(data: string): string {
  return join(data, "msdha.lock");
}
