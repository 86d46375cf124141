import type { Wait, Waits } from "./waits.ts";

/** Tells what the machine is to blame for from what the group is: by what was measured, never by the machine's load. */
export interface Blame {
  /** A node has ended for a lease that it lost when no fault was going on. */
  lost(node: string, at: number): void;
  /** When a node was last seen to lose its lease like that while something had to wait for the machine; 0: never. */
  disturbedAt(): number;
  /** Something took too long, from one time to another, by `overMs`. Returns whether that was put down to the machine. */
  late(what: string, times: { readonly from: number; readonly to: number; readonly overMs: number }): boolean;
  /** How often leases were lost without a fault. */
  readonly losses: { readonly forTheMachine: number; readonly unexplained: number };
  /** What was put down to the machine. */
  readonly lateness: readonly string[];
}

export interface BlameOptions {
  readonly waits: Waits;
  readonly ttlMs: number;
  readonly tell: (line: string) => void;
}

/** Who can't go on for such a part of a TTL may lose its lease by that, or be late. */
const STARVED_SHARE = 0.25;

/** Whether a node's lease depends on who had to wait: on etcd, its supervisor and its proxy, not on its program. */
function holdsLease(node: string, { host, who }: Wait): boolean {
  if (host === undefined) return true;
  return [node, `${node}x`, "e1", "e2", "e3"].includes(host) && !who.includes(".pl ");
}

export function createBlame({ waits, ttlMs, tell }: BlameOptions): Blame {
  const disturbances: number[] = [];
  const lateness: string[] = [];
  let unexplained = 0;

  return {
    lost(node, at) {
      const { who, ms } = waits.longest(at - 2 * ttlMs, at, (wait) => holdsLease(node, wait));
      if (ms >= STARVED_SHARE * ttlMs) disturbances.push(at);
      else unexplained += 1;
      tell(`${node} lost its lease without a fault; ${who} had to wait for ${ms} of ${2 * ttlMs} ms`);
    },
    disturbedAt: () => disturbances.at(-1) ?? 0,
    late(what, { from, to, overMs }) {
      const { who, ms } = waits.longest(from, to);
      const text = `${what}; ${who} had to wait for ${ms} ms of it`;
      if (ms < Math.max(overMs, STARVED_SHARE * ttlMs)) {
        tell(`no fault of the machine: ${text}`);
        return false;
      }
      lateness.push(text);
      tell(`LATE for the machine: ${text}`);
      return true;
    },
    get losses() {
      return { forTheMachine: disturbances.length, unexplained };
    },
    lateness,
  };
}
