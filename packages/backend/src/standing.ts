import type { Node } from "./node.ts";

/** Whether others may send traffic to a node, and if not, why not. */
export type Verdict = { readonly yes: true } | { readonly yes: false; readonly why: string };

type Standing = Pick<
  Node,
  "clock" | "config" | "end" | "follower" | "latestReport" | "lease" | "membership" | "role" | "succession"
>;

const YES: Verdict = { yes: true };

/**
 * Whether the node is the master that takes traffic: published, its traffic open, not about to end, and its lock proven by a
 * quorum of etcd within the last TTL.
 */
export function judgePrimary(node: Standing | undefined): Verdict {
  if (!node) return no("it has not joined its group yet");
  const { role, config, end, succession } = node;
  if (end.begun.aborted) return no("it is about to end");
  if (succession.overtaken.aborted) return no("another node holds the lock");
  if (role.kind !== "master") return no("it is not the master");
  if (config.traffic === "after_hook" && role.trafficSince === undefined) return no("its master hook runs");
  return judgeProof(node);
}

/** Whether the node could be asked to serve reads: ready, not the master, not about to end, its lease proven. */
export function judgeReplica(node: Standing | undefined): Verdict {
  if (!node) return no("it has not joined its group yet");
  const { role, end, membership } = node;
  if (end.begun.aborted) return no("it is about to end");
  if (role.kind !== "candidate") return no("it holds the lock");
  if (membership.state !== "ready") return no(`it is ${membership.state}`);
  return judgeProof(node);
}

/** Whether the node does its part, whichever that is: the primary, or a replica that could become it. */
export function judgeReady(node: Standing | undefined): Verdict {
  return node?.role.kind === "candidate" ? judgeReplica(node) : judgePrimary(node);
}

/**
 * Like `judgeReplica`, of a node that lacks at most so many bytes of the master's data, by what its `report` hook said last. What it said
 * before the last three intervals is not known any more.
 */
export function judgeReplicaWithin(node: Standing | undefined, mostBytes: number): Verdict {
  const verdict = judgeReplica(node);
  if (!verdict.yes) return verdict;
  const behind = behindOf(node);
  if (behind === undefined) return no("how far it is behind is not known");
  return behind <= mostBytes ? YES : no(`it is ${behind} bytes behind`);
}

/** How many bytes of the master's data a node lacks; undefined if that is not known now. */
export function behindOf(
  node: Pick<Node, "clock" | "config" | "latestReport"> | undefined,
): number | undefined {
  if (!node) return undefined;
  const { clock, config, latestReport } = node;
  const isOld = clock.now() - latestReport.askedAt > 3 * config.reportIntervalMs;
  return isOld ? undefined : latestReport.report?.behind;
}

/** Looks at the clock itself: after the event loop was blocked no timer has run yet. */
function judgeProof({ clock, lease }: Standing): Verdict {
  const proven = !lease.lost.aborted && clock.now() - lease.seen < lease.ttlMs;
  return proven ? YES : no("no quorum of etcd has confirmed its lease within the TTL");
}

function no(why: string): Verdict {
  return { yes: false, why };
}
