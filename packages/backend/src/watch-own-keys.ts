import { type OwnKeys, watchOwnKeys as watchKeys } from "@msdha/group";
import type { Node } from "./node.ts";
import { findSuccessor, yieldTo } from "./overtaken.ts";
import { heldLock, openTrafficSince } from "./role.ts";

/** Ends a node that lost a key, or has a successor, by whatever etcd shows from now on. */
export function watchOwnKeys(node: Node): void {
  const { follower, observed, end } = node;
  watchKeys(follower, observed, {
    own: () => ownKeys(node),
    onLost: (error) => end.because({ kind: "lost", error }),
  });
  follower.listen((view) => {
    const successor = findSuccessor(node, view);
    if (successor) yieldTo(node, successor);
  });
}

/** Returns what a node has in etcd, without what it has begun to give up. */
export function ownKeys({ role, membership, lease }: Pick<Node, "role" | "membership" | "lease">): OwnKeys {
  return {
    name: membership.name,
    lease: lease.id,
    lock: heldLock(role)?.token,
    nodeKey: role.kind === "leaving" ? undefined : membership.modRevision,
    openTraffic: openTrafficSince(role),
  };
}
