import type { NodePlan } from "./node.ts";
import type { Random } from "./random.ts";

/** What a run consists of, as its seed has it. */
export interface Plan {
  readonly nodes: readonly NodePlan[];
  readonly frontends: number;
  /** Whether etcd asks for certificates, names and passwords. */
  readonly secured: boolean;
  /** The longest TTL of the group, which it waits by. */
  readonly ttlSeconds: number;
}

export function planRun(random: Random): Plan {
  const mixed = random.chance(0.4);
  const count = random.whole(3, 5);
  const nodes = Array.from({ length: count }, (_, index) => ({
    name: `n${index + 1}`,
    ttlSeconds: mixed ? random.pick([2, 3, 5]) : 3,
    contained: random.chance(0.4),
    proxied: random.chance(0.4),
    ownClock: random.chance(0.3),
    masterTtl: random.chance(0.2) ? "60" : "1d",
  }));
  return {
    nodes,
    frontends: random.whole(1, 2),
    secured: random.chance(0.5),
    ttlSeconds: Math.max(...nodes.map(({ ttlSeconds }) => ttlSeconds)),
  };
}
