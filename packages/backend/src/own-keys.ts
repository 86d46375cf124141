import { type GroupView, LockLostError, NodeKeyLostError } from "@msdha/group";
import type { Node } from "./node.ts";

/** Lock and node key are looked at in every view that is new enough to show them. */
export function checkOwnKeys(node: Node, view: GroupView): void {
  const { membership, lock, lease } = node;
  if (lock && node.leaving !== "lock" && view.revision >= lock.token && view.lock?.token !== lock.token) {
    loseKey(node, new LockLostError(lock.token));
  }
  const key = view.nodes.get(membership.name);
  if (node.leaving === "nothing" && view.revision >= membership.modRevision && key?.lease !== lease.id) {
    loseKey(node, new NodeKeyLostError(view.keys.node(membership.name)));
  }
}

/**
 * A snapshot of etcd can bring back the lock and the lease of a master whose publication it does not know, and what
 * is believed of both would never be proved wrong: after a restore our keys must be exactly what we last wrote.
 */
export function checkRestoredKeys(node: Node, view: GroupView): void {
  const { membership, lock, lease } = node;
  if (lock && node.leaving !== "lock" && (view.lock?.token !== lock.token || view.lock.lease !== lease.id)) {
    loseKey(node, new LockLostError(lock.token));
  }
  const key = view.nodes.get(membership.name);
  if (node.leaving === "nothing" && (key?.lease !== lease.id || key.modRevision !== membership.modRevision)) {
    loseKey(node, new NodeKeyLostError(view.keys.node(membership.name)));
  }
}

function loseKey(node: Node, error: LockLostError | NodeKeyLostError): void {
  node.fence.close(node.clock.now());
  node.end({ kind: "lost", error });
}
