import { statfs } from "node:fs/promises";

/** How much can be written to a run folder. */
export interface RunFolder {
  readonly dir: string;
  readonly freeBytes: number;
  /** Infinity where the file system does not count files. */
  readonly freeFiles: number;
}

/** Resolves with the space that is left in a run folder; undefined where there is none to look at. */
export async function readRunFolderSpace(dir: string): Promise<RunFolder | undefined> {
  try {
    const { bavail, bsize, files, ffree } = await statfs(dir);
    return {
      dir,
      freeBytes: bavail * bsize,
      freeFiles: files === 0 ? Number.POSITIVE_INFINITY : ffree,
    };
  } catch {
    return undefined;
  }
}
