import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

/** A file system of its own, in memory. Disposing unmounts it. */
export interface SmallDisk extends Disposable {
  readonly path: string;
  enlarge(to: string): void;
}

/** Mounts one of a size such as `90m`. Only root may. */
export function mountSmall(path: string, size: string): SmallDisk {
  mkdirSync(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=1777`, "tmpfs", path]);
  return {
    path,
    enlarge: (to) => execFileSync("mount", ["-o", `remount,size=${to}`, path]),
    [Symbol.dispose]: () => execFileSync("umount", ["--lazy", path]),
  };
}
