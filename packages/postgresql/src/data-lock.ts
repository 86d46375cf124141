import { closeSync, fstatSync, openSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { fail, HookFailure, messageOf } from "./failure.ts";

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
   * Takes the lock of the place of this node's data, with or without data in it. Nobody else prepares it, or makes data for it, then.
   * Rejects with a `HookFailure` where another node does.
   */
  addPlace(): Promise<void>;
  /** Whether the data of this node, or new ones that took their place, are locked or can't be. */
  readonly coversData: boolean;
  /**
   * Gives the locks back, also where a program has left one that goes on and has them too, as tools of an archive do. A hook that is
   * killed never comes to this: what it has started keeps the locks as long as it lives.
   */
  release(): Promise<void>;
}

/** Makes one that holds nothing yet. */
export function createDataLock(context: HookContext): DataLock {
  const files: number[] = [];
  let coversData = false;
  let place: string | undefined;
  /** While it is still held: a file that is removed later may be another node's. */
  function removePlace(): void {
    const file = place;
    place = undefined;
    if (file !== undefined) context.inParent(() => rmSync(file, { force: true }));
  }
  const lock: DataLock = {
    context: {
      ...context,
      run: (command, options) => context.run(command, { ...options, inherit: files }),
      lockNewData: async (folder) => void (await lock.add(folder)),
    },
    async add(folder) {
      const complaint = `PGDATA: another server works in ${folder}: do two nodes have the same volume?`;
      let why: string | undefined;
      try {
        files.push(context.account.act(() => openSync(lockFile(folder), "a+", 0o600)));
        why = await take(context, files, complaint);
      } catch (error) {
        if (error instanceof HookFailure) throw error;
        context.signal.throwIfAborted();
        why = messageOf(error);
      }
      if (why !== undefined) context.log(`${folder} is not locked against a second server: ${why}`);
      coversData = true;
      return why === undefined;
    },
    async addPlace() {
      const file = `${context.settings.data}.msdha-lock`;
      const complaint = `PGDATA: another node prepares ${context.settings.data}: do two nodes have the same volume?`;
      do {
        if (place !== undefined) closeSync(files.pop() ?? -1);
        try {
          files.push(context.inParent(() => openSync(file, "a+", 0o600)));
        } catch {
          // Whatever is made there says why it can't be.
          return;
        }
        place = file;
        await take(context, files, complaint).catch((error: unknown) => {
          place = undefined;
          throw error;
        });
        // Whoever had the lock has removed its file.
      } while (!isSame(context, files.at(-1) ?? -1, file));
    },
    get coversData() {
      return coversData;
    },
    async release() {
      removePlace();
      for (const file of files) await context.run(["flock", "-u", "3"], { inherit: [file] });
      lock[Symbol.dispose]();
    },
    [Symbol.dispose]: () => {
      removePlace();
      for (const file of files.splice(0)) closeSync(file);
    },
  };
  return lock;
}

/** Takes the lock of the last of these open files. Resolves with why there is none to be had; undefined where it is held, for all that inherit it. */
async function take(
  context: HookContext,
  files: readonly number[],
  complaint: string,
): Promise<string | undefined> {
  const options = ["-w", LONGEST_WAIT_S, "-E", TAKEN];
  const { code, stderr } = await context.run(["flock", ...options, "3"], { inherit: files.slice(-1) });
  context.signal.throwIfAborted();
  if (code === Number(TAKEN)) fail(complaint);
  return code === 0 ? undefined : stderr.trim();
}

function isSame({ inParent }: HookContext, file: number, path: string): boolean {
  const there = inParent(() => statSync(path, { throwIfNoEntry: false }));
  const held = fstatSync(file);
  return there?.ino === held.ino && there.dev === held.dev;
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
