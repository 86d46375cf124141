import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { undoAtExit } from "@msdha/testkit";

/** A file system of its own whose writes can be held up, as those of a disk that does not answer. */
export interface FrozenDisk extends AsyncDisposable {
  freeze(): void;
  thaw(): void;
}

/** Why there can be none here, if that is so. */
export function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "a file system of its own takes root";
  const { status, stderr } = spawnSync("losetup", ["--find"]);
  return status === 0 ? undefined : `no loop device here: ${String(stderr).trim()}`;
}

/** Makes one in a file and mounts it at `folder`. Unmounted on dispose and at exit; who uses it must have ended. */
export function mountDisk(file: string, folder: string): FrozenDisk {
  mkdirSync(folder, { recursive: true });
  execFileSync("truncate", ["-s", "256M", file]);
  execFileSync("mkfs.ext4", ["-q", "-F", file]);
  execFileSync("mount", ["-o", "loop", file, folder]);
  let frozen = false;
  const thaw = (): void => {
    if (frozen) execFileSync("fsfreeze", ["-u", folder]);
    frozen = false;
  };
  const remove = (): void => {
    thaw();
    execFileSync("umount", ["--lazy", folder]);
  };
  const forget = undoAtExit(remove);
  return {
    freeze() {
      execFileSync("fsfreeze", ["-f", folder]);
      frozen = true;
    },
    thaw,
    async [Symbol.asyncDispose]() {
      remove();
      forget();
    },
  };
}
