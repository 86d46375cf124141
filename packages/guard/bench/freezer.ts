import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A group of processes that can be frozen together, as `docker pause` does it. */
export interface Freezer extends Disposable {
  /** Does nothing when the process has ended. */
  add(pid: number): void;
  freeze(): Promise<void>;
  thaw(): void;
}

/** Undefined where this process may not make one. */
export function openFreezer(): Freezer | undefined {
  for (const { root, file, frozen, thawed, state, reached } of KINDS) {
    const folder = join(root, `msdha-guard-${process.pid}`);
    try {
      if (!existsSync(join(root, "cgroup.procs"))) continue;
      mkdirSync(folder);
    } catch {
      continue;
    }
    return {
      add(pid) {
        try {
          writeFileSync(join(folder, "cgroup.procs"), String(pid));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
        }
      },
      async freeze() {
        writeFileSync(join(folder, file), frozen);
        while (!readFileSync(join(folder, state), "utf8").includes(reached)) await new Promise(setImmediate);
      },
      thaw: () => writeFileSync(join(folder, file), thawed),
      [Symbol.dispose]: () => rmdirSync(folder),
    };
  }
  return undefined;
}

const KINDS = [
  {
    root: "/sys/fs/cgroup/freezer",
    file: "freezer.state",
    frozen: "FROZEN",
    thawed: "THAWED",
    state: "freezer.state",
    reached: "FROZEN",
  },
  {
    root: "/sys/fs/cgroup",
    file: "cgroup.freeze",
    frozen: "1",
    thawed: "0",
    state: "cgroup.events",
    reached: "frozen 1",
  },
];
