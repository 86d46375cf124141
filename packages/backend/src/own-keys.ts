import { LockLostError } from "@msdha/etcd-lock";
import { type GroupView, NodeKeyLostError } from "@msdha/group";
import type { Node } from "./node.ts";
import { heldLock, openTrafficSince } from "./role.ts";

/** The parts of a node that are compared with the group. */
export type KeyOwner = Pick<Node, "role" | "membership" | "lease">;

/**
 * Compares lock, node key and details with a view that is new enough to show them. A view that should show what we wrote
 * and shows something older is of a history that does not have it: etcd was restored, and its revisions have grown past
 * ours again. Returns what is lost, if anything is.
 */
export function findLoss(node: KeyOwner, view: GroupView): Error | undefined {
  const { membership, lease } = node;
  const key = view.nodes.get(membership.name);
  return firstLoss(node, view.keys, {
    lock: (token) => view.revision >= token && view.lock?.token !== token,
    nodeKey: (written) => view.revision >= written && (key?.lease !== lease.id || key.modRevision < written),
    traffic: (opened) => view.revision >= opened && isHeld(node, view),
  });
}

/**
 * The same in a view of an etcd that was restored. A snapshot can bring back the lock and the lease of a master whose
 * publication it does not know, and what is believed of both would never be proved wrong: our keys must be exactly what
 * we last wrote.
 */
export function findRestoredLoss(node: KeyOwner, view: GroupView): Error | undefined {
  const { membership, lease } = node;
  const key = view.nodes.get(membership.name);
  return firstLoss(node, view.keys, {
    lock: (token) => view.lock?.token !== token || view.lock.lease !== lease.id,
    nodeKey: (written) => key?.lease !== lease.id || key.modRevision !== written,
    traffic: () => isHeld(node, view),
  });
}

/** The same by the revision that etcd was restored to, for a restore that an answer showed: the watch may never show it. */
export function findUndoneLoss(
  node: KeyOwner,
  keys: GroupView["keys"],
  restoredTo: number,
): Error | undefined {
  const isUndone = (written: number): boolean => written > restoredTo;
  return firstLoss(node, keys, { lock: isUndone, nodeKey: isUndone, traffic: isUndone });
}

/** Whether each key that a node wrote is lost, by the revision at which it wrote it. */
interface Losses {
  lock(token: number): boolean;
  nodeKey(written: number): boolean;
  traffic(opened: number): boolean;
}

/** Returns the first key that the node lost and has not itself begun to give up. */
function firstLoss(
  { role, membership }: KeyOwner,
  keys: GroupView["keys"],
  isLost: Losses,
): Error | undefined {
  const { name, modRevision } = membership;
  const lock = heldLock(role);
  if (lock && isLost.lock(lock.token)) return new LockLostError(lock.token);
  if (role.kind !== "leaving" && isLost.nodeKey(modRevision)) return new NodeKeyLostError(keys.node(name));
  const opened = openTrafficSince(role);
  if (opened !== undefined && isLost.traffic(opened)) return new NodeKeyLostError(keys.details(name));
  return undefined;
}

function isHeld({ membership }: KeyOwner, view: GroupView): boolean {
  return view.details.get(membership.name)?.held === true;
}
