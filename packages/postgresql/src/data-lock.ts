import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { fail, messageOf } from "./failure.ts";

/*
 * Two nodes must never work in one data directory. PostgreSQL's own check knows process ids, which say nothing between
 * containers. So the server holds a lock on a file in its data as long as any of its processes lives, and so does what recovers, rewinds
 * or moves the data before: it counts for all processes of a machine, and on file systems of a network that know such locks.
 */

const TAKEN = "75";
/** Processes of this node's server that was killed may need a moment to be gone. */
const LONGEST_WAIT_S = "5";

/** Throws a `HookFailure` where a server, or another node, works in the data. Resolves with whether the file system knows locks. */
export async function checkDataLock(context: HookContext): Promise<boolean> {
  using lock = createDataLock(context);
  return await lock.add(context.settings.data);
}

/** Locks that are held until they are disposed of. */
export interface DataLock extends Disposable {
  /** The same context, whose programs hold the locks too, as long as they live: also when the helper is killed. */
  readonly context: HookContext;
  /**
   * Takes the lock of data in a folder. Resolves with false where the file system knows no locks. Rejects with a `HookFailure`
   * where a server, or another node, works in them.
   */
  add(folder: string): Promise<boolean>;
  /**
   * Gives the locks back, also where a program has left one that goes on and has them too, as tools of an archive do. A hook that is
   * killed never comes to this: what it has started keeps the locks as long as it lives.
   */
  release(): Promise<void>;
}

/** Takes the lock of the data of this node, before they are changed. */
export async function holdDataLock(context: HookContext): Promise<DataLock> {
  const lock = createDataLock(context);
  try {
    await lock.add(context.settings.data);
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

function createDataLock(context: HookContext): DataLock {
  const files: number[] = [];
  const lock: DataLock = {
    context: {
      ...context,
      run: (command, options) => context.run(command, { ...options, inherit: files }),
      lockNewData: async (folder) => void (await lock.add(folder)),
    },
    async add(folder) {
      const why = await take(context, folder, files);
      if (why !== undefined) context.log(`${folder} is not locked against a second server: ${why}`);
      return why === undefined;
    },
    async release() {
      for (const file of files) await context.run(["flock", "-u", "3"], { inherit: [file] });
      lock[Symbol.dispose]();
    },
    [Symbol.dispose]: () => {
      for (const file of files.splice(0)) closeSync(file);
    },
  };
  return lock;
}

/** Resolves with why there is no lock to be had; undefined where it is held by the file, for all that inherit it. */
async function take(context: HookContext, folder: string, files: number[]): Promise<string | undefined> {
  let file: number;
  try {
    file = context.account.act(() => openSync(lockFile(folder), "a+", 0o600));
  } catch (error) {
    return messageOf(error);
  }
  files.push(file);
  const options = ["-w", LONGEST_WAIT_S, "-E", TAKEN];
  const { code, stderr } = await context.run(["flock", ...options, "3"], { inherit: [file] });
  context.signal.throwIfAborted();
  if (code === Number(TAKEN))
    fail(`PGDATA: another server works in ${folder}: do two nodes have the same volume?`);
  return code === 0 ? undefined : stderr.trim();
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
