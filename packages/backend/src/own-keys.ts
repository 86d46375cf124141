import { type GroupView, LockLostError, NodeKeyLostError } from "@msdha/group";
import type { Node } from "./node.ts";

/** What of a node is compared with the group, and how it ends. */
export type KeyOwner = Pick<
  Node,
  "membership" | "lock" | "lease" | "follower" | "leaving" | "trafficOpenSince" | "fence" | "clock" | "end"
>;

/**
 * Lock, node key and details are looked at in every view that is new enough to show them. A view that should show what
 * we wrote and shows something older is of a history that does not have it: etcd was restored, and its revisions have
 * grown past ours again.
 */
export function checkOwnKeys(node: KeyOwner, view: GroupView): void {
  const { membership, lock, lease, trafficOpenSince } = node;
  if (lock && node.leaving !== "lock" && view.revision >= lock.token && view.lock?.token !== lock.token) {
    loseKey(node, new LockLostError(lock.token));
  }
  const key = view.nodes.get(membership.name);
  const shown = view.revision >= membership.modRevision;
  if (
    node.leaving === "nothing" &&
    shown &&
    (key?.lease !== lease.id || key.modRevision < membership.modRevision)
  ) {
    loseKey(node, new NodeKeyLostError(view.keys.node(membership.name)));
  }
  if (trafficOpenSince !== undefined && view.revision >= trafficOpenSince) checkTraffic(node, view);
}

/**
 * A snapshot of etcd can bring back the lock and the lease of a master whose publication it does not know, and what
 * is believed of both would never be proved wrong: after a restore our keys must be exactly what we last wrote.
 */
export function checkRestoredKeys(node: KeyOwner, view: GroupView): void {
  const { membership, lock, lease } = node;
  if (lock && node.leaving !== "lock" && (view.lock?.token !== lock.token || view.lock.lease !== lease.id)) {
    loseKey(node, new LockLostError(lock.token));
  }
  const key = view.nodes.get(membership.name);
  if (node.leaving === "nothing" && (key?.lease !== lease.id || key.modRevision !== membership.modRevision)) {
    loseKey(node, new NodeKeyLostError(view.keys.node(membership.name)));
  }
  if (node.trafficOpenSince !== undefined) checkTraffic(node, view);
}

/**
 * An answer said that etcd was restored to this revision: what we wrote later is not there any more, and a watch that had
 * not told of it before may never do so.
 */
export function checkUndoneKeys(node: KeyOwner, restoredTo: number): void {
  const { membership, lock, trafficOpenSince, follower } = node;
  const { keys } = follower.view;
  if (lock && node.leaving !== "lock" && lock.token > restoredTo)
    loseKey(node, new LockLostError(lock.token));
  if (node.leaving === "nothing" && membership.modRevision > restoredTo) {
    loseKey(node, new NodeKeyLostError(keys.node(membership.name)));
  }
  if (trafficOpenSince !== undefined && trafficOpenSince > restoredTo) {
    loseKey(node, new NodeKeyLostError(keys.details(membership.name)));
  }
}

function checkTraffic(node: KeyOwner, view: GroupView): void {
  const { name } = node.membership;
  if (view.details.get(name)?.held) loseKey(node, new NodeKeyLostError(view.keys.details(name)));
}

function loseKey(node: KeyOwner, error: LockLostError | NodeKeyLostError): void {
  node.fence.close(node.clock.now());
  node.end({ kind: "lost", error });
}
