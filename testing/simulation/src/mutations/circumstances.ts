import type { Scenario } from "../scenario.ts";

/** More faults, and these more often than others. */
export function withMany(...favoured: readonly string[]): (usual: Scenario) => Scenario {
  return (usual) => ({ ...usual, favoured, faults: 14 });
}

/** Nodes with a TTL of their own: short ones and a long one. */
export function withMixedTtls(usual: Scenario): Scenario {
  const backends = usual.backends.map((each, index) => ({ ...each, ttlSeconds: index % 2 === 0 ? 5 : 1 }));
  return { ...usual, backends, longestTtlMs: 5_000 };
}

/** Every message takes up to 600 ms. */
export function withSlowNetwork(usual: Scenario): Scenario {
  return { ...usual, network: { fastestMs: 1, slowestMs: 600 } };
}

/** An etcd that can depose its leader. */
export function withThreeMembers(usual: Scenario): Scenario {
  return { ...usual, etcd: { ...usual.etcd, members: 3 } };
}
