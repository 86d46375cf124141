import { readdirSync, readFileSync } from "node:fs";
import type { TestNode } from "../support/node.ts";
import type { Fault } from "./pair.ts";

/** What is done to a master in the measurements and tests of this folder. */
export const faults = {
  /** SIGSTOP of the supervisor alone. */
  freeze(master: TestNode): () => void {
    master.child.freeze();
    return () => master.child.thaw();
  },
  /** SIGKILL of the supervisor alone. */
  async kill(master: TestNode): Promise<() => void> {
    await master.child.kill();
    return () => {};
  },
  /**
   * SIGSTOP of everything that the node is: the server, both guards, the supervisor. What is thawed first is what must
   * be killed, and last who kills it.
   */
  freezeAll(master: TestNode): () => void {
    const frozen: number[] = [];
    for (;;) {
      const found = familyOf(master.child.pid).filter((pid) => !frozen.includes(pid));
      if (found.length === 0) break;
      for (const pid of found) process.kill(pid, "SIGSTOP");
      frozen.push(...found);
    }
    return () => {
      for (const pid of frozen.toSorted((a, b) => b - a)) process.kill(pid, "SIGCONT");
    };
  },
} as const satisfies Readonly<Record<string, Fault>>;

/** A process and everything that descends from it. */
function familyOf(root: number): readonly number[] {
  const parents = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), parentOf(name)]),
  );
  const family = new Set([root]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  return [...family];
}

function parentOf(pid: string): number {
  try {
    return Number(/\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
  } catch {
    return 0;
  }
}
