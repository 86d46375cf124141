import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { undoAtExit } from "./cleanup.ts";

/** A folder of one's own that is gone after use. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

const memory = "/dev/shm";
const enoughBytes = 1024 ** 3;

/**
 * Makes an empty folder: in memory where `/dev/shm` has 1 GiB left (etcd waits for an fsync per write, and a busy
 * disk makes elections), else in the system's folder for temporary files. Removed on dispose and at exit.
 */
export function tempDir({ prefix = "msdha-test-" }: { readonly prefix?: string } = {}): TempDir {
  const path = mkdtempSync(join(hasRoom(memory) ? memory : tmpdir(), prefix));
  const forget = undoAtExit(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      forget();
    },
  };
}

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= enoughBytes;
  } catch {
    return false;
  }
}
