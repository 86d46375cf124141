import { readdirSync, readFileSync } from "node:fs";
import { childrenOf } from "../support/children-of.ts";
import type { TestNode } from "../support/node.ts";
import { blockLoop } from "./blocked-loop.ts";
import type { Fault } from "./pair.ts";

/** What is done to a master in the measurements and tests of this folder. */
export const faults = {
  /** SIGSTOP of the supervisor alone. */
  freeze(master: TestNode): () => void {
    master.child.freeze();
    return () => master.child.thaw();
  },
  /** The event loop of the supervisor is blocked. */
  block: blockLoop,
  /** SIGKILL of the supervisor alone. */
  async kill(master: TestNode): Promise<() => void> {
    await master.child.kill();
    return () => {};
  },
  /** SIGKILL of both guards at once: what is left to the supervisor is to kill who holds the lock file. */
  killGuards(master: TestNode): () => void {
    killTogether(supervisionOf(master.child.pid).slice(1));
    return () => {};
  },
  /** SIGKILL of the supervisor and both guards at once: nobody is left to kill the rest. Undone by killing it. */
  killSupervision(master: TestNode): () => void {
    const supervision = supervisionOf(master.child.pid);
    const rest = familyOf(master.child.pid).filter((pid) => !supervision.includes(pid));
    killTogether(supervision);
    return () => send(rest, "SIGKILL");
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

/** The supervisor, the outer guard and the inner one. */
function supervisionOf(supervisor: number): readonly number[] {
  const [outer = 0] = childrenOf(supervisor);
  const [inner = 0] = childrenOf(outer);
  return [supervisor, outer, inner];
}

/** Frozen first, so that none of them notices the end of another one. */
function killTogether(pids: readonly number[]): void {
  send(pids, "SIGSTOP");
  send(pids, "SIGKILL");
}

function send(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }
}

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
