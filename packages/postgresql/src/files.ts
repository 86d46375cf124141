import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Account } from "./account.ts";

/** Files of the server's user. */
export interface Files {
  /** Returns the text of a file, or undefined where there is none. */
  read(path: string): string | undefined;
  exists(path: string): boolean;
  /** Writes a file of mode 600, whole or not at all. `sync`: it is on the disk when this returns. */
  write(path: string, text: string, options?: { readonly sync?: boolean }): void;
  remove(path: string): void;
}

/** Returns the files as that user sees them. */
export function openFiles(account: Account): Files {
  return {
    read: (path) => account.act(() => readText(path)),
    exists: (path) => account.act(() => existsSync(path)),
    write: (path, text, { sync = false } = {}) => account.act(() => writeWhole(path, text, sync)),
    remove: (path) => account.act(() => rmSync(path, { force: true })),
  };
}

/** Returns the text of a file, or undefined where there is none that this process may read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Makes a folder and those that it is in. (Node's own `recursive` never ends below `/proc`.) */
export function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path);
}

/** Writes a file of mode 600, whole or not at all. `sync`: it is on the disk when this returns. */
export function writeWhole(path: string, text: string, sync: boolean): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600, flush: sync });
  renameSync(draft, path);
  if (sync) syncFolder(dirname(path));
}

/**
 * Returns when what was made, renamed or removed in a folder is on the disk. Does nothing, as PostgreSQL, where the folder can't be
 * read, or its file system can't do that.
 */
export function syncFolder(path: string): void {
  let folder: number | undefined;
  try {
    folder = openSync(path, "r");
    fsyncSync(folder);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EACCES", "EBADF", "EINVAL"].includes(code)) throw error;
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}
