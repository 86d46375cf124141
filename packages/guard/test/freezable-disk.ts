import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type TempDir, undoAtExit } from "@msdha/testkit";

/** A file system of its own, which can be frozen: what writes to it hangs in the kernel then, and no signal ends it. */
export interface FreezableDisk extends Disposable {
  readonly path: string;
  freeze(): void;
  thaw(): void;
}

export function mountFreezableDisk(folder: TempDir): FreezableDisk {
  const path = join(folder.path, "disk");
  const image = join(folder.path, "image");
  mkdirSync(path);
  run("truncate", "--size=16M", image);
  run("mkfs.ext4", "-q", image);
  run("mount", "-o", "loop", image, path);
  let isFrozen = false;
  const thaw = (): void => {
    if (isFrozen) run("fsfreeze", "--unfreeze", path);
    isFrozen = false;
  };
  const undo = (): void => {
    thaw();
    run("umount", "--lazy", path);
  };
  const forget = undoAtExit(undo);
  return {
    path,
    freeze() {
      run("fsfreeze", "--freeze", path);
      isFrozen = true;
    },
    thaw,
    [Symbol.dispose]() {
      forget();
      undo();
    },
  };
}

/** Why there can be no such disk here; undefined if there can. */
export function noFreezableDisk(): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root";
  try {
    run("losetup", "--find");
    run("sh", "-c", "command -v mkfs.ext4 fsfreeze");
  } catch {
    return "needs a loop device, mkfs.ext4 and fsfreeze";
  }
  return undefined;
}

function run(file: string, ...args: string[]): void {
  execFileSync(file, args, { stdio: "pipe" });
}
