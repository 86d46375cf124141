import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { undoAtExit } from "./cleanup.ts";

/** `frozen`: what writes to it hangs in the kernel, and no signal ends it. */
export const diskTroubles = ["frozen", "full", "read-only", "unmounted"] as const;
export type DiskTrouble = (typeof diskTroubles)[number];

/** A file system of its own, to which something may happen. It is healed and unmounted on dispose. */
export interface TestDisk extends Disposable {
  readonly path: string;
  hurt(trouble: DiskTrouble): void;
  /** Takes back what was done to it; it stays unmounted if that was it. */
  heal(): void;
}

/** Mounts a file system at `path`, which is made; its image is a file beside it, by default of 16 MiB. Takes root and a loop device. */
export function mountTestDisk(
  path: string,
  { bytes = 16 * 1024 ** 2 }: { readonly bytes?: number } = {},
): TestDisk {
  const image = `${path}.image`;
  mkdirSync(path, { recursive: true });
  run("truncate", `--size=${bytes}`, image);
  run("mkfs.ext4", "-q", image);
  run("mount", "-o", "loop", image, path);
  let trouble: DiskTrouble | undefined;
  const heal = (): void => {
    if (trouble) ways[trouble].heal(path);
    trouble = undefined;
  };
  let isMounted = true;
  const undo = (): void => {
    heal();
    if (isMounted) run("umount", "--lazy", path);
  };
  const forget = undoAtExit(undo);
  return {
    path,
    hurt(how) {
      ways[how].hurt(path, bytes);
      trouble = how;
      if (how === "unmounted") isMounted = false;
    },
    heal,
    [Symbol.dispose]() {
      forget();
      undo();
    },
  };
}

/** Why there can be no such disk here; undefined if there can. */
export function findDiskObstacle(): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root";
  try {
    run("losetup", "--find");
    run("sh", "-c", "command -v mkfs.ext4 && command -v fsfreeze");
  } catch {
    return "needs a loop device, mkfs.ext4 and fsfreeze";
  }
  return undefined;
}

const ways: Record<DiskTrouble, { hurt(path: string, bytes: number): void; heal(path: string): void }> = {
  frozen: {
    hurt: (path) => run("fsfreeze", "--freeze", path),
    heal: (path) => run("fsfreeze", "--unfreeze", path),
  },
  full: { hurt: fill, heal: (path) => rmSync(join(path, "filler"), { force: true }) },
  "read-only": {
    hurt(path) {
      run("mount", "--bind", path, path);
      run("mount", "-o", "remount,bind,ro", path);
    },
    heal: (path) => run("umount", "--lazy", path),
  },
  unmounted: { hurt: (path) => run("umount", "--lazy", path), heal: () => {} },
};

function fill(path: string, bytes: number): void {
  const file = join(path, "filler");
  try {
    writeFileSync(file, Buffer.alloc(2 * bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC" || !existsSync(file)) throw error;
  }
}

function run(file: string, ...args: string[]): void {
  execFileSync(file, args, { stdio: "pipe" });
}
