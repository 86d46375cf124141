import type { Clock } from "@msdha/clock";
import type { Lease } from "@msdha/etcd-lease";
import {
  type GroupFollower,
  type GroupView,
  LockLostError,
  type MasterLock,
  type Membership,
  NodeKeyLostError,
} from "@msdha/group";
import type { Ending } from "./ending.ts";
import type { Fence } from "./fence.ts";
import type { Leaving } from "./leaving.ts";

/** The parts of a node that are compared with the group, and how it ends. */
export interface KeyOwner {
  readonly membership: Membership;
  readonly lock: MasterLock | undefined;
  readonly lease: Lease;
  readonly follower: GroupFollower;
  readonly leaving: Leaving;
  readonly trafficOpenSince: number | undefined;
  readonly fence: Pick<Fence, "close">;
  readonly clock: Clock;
  end(ending: Ending): void;
}

/**
 * Lock, node key and details are looked at in every view that is new enough to show them. A view that should show what
 * we wrote and shows something older is of a history that does not have it: etcd was restored, and its revisions have
 * grown past ours again.
 */
export function checkOwnKeys(node: KeyOwner, view: GroupView): void {
  const { membership, lease } = node;
  const key = view.nodes.get(membership.name);
  endAtLoss(node, view.keys, {
    lock: (token) => view.revision >= token && view.lock?.token !== token,
    nodeKey: (written) => view.revision >= written && (key?.lease !== lease.id || key.modRevision < written),
    traffic: (opened) => view.revision >= opened && isHeld(node, view),
  });
}

/**
 * A snapshot of etcd can bring back the lock and the lease of a master whose publication it does not know, and what
 * is believed of both would never be proved wrong: after a restore our keys must be exactly what we last wrote.
 */
export function checkRestoredKeys(node: KeyOwner, view: GroupView): void {
  const { membership, lease } = node;
  const key = view.nodes.get(membership.name);
  endAtLoss(node, view.keys, {
    lock: (token) => view.lock?.token !== token || view.lock.lease !== lease.id,
    nodeKey: (written) => key?.lease !== lease.id || key.modRevision !== written,
    traffic: () => isHeld(node, view),
  });
}

/**
 * Ends the node if etcd was restored to a revision before its own last writes. For a restore that an answer showed: the
 * watch may never show it.
 */
export function checkUndoneKeys(node: KeyOwner, restoredTo: number): void {
  const isUndone = (written: number): boolean => written > restoredTo;
  endAtLoss(node, node.follower.view.keys, { lock: isUndone, nodeKey: isUndone, traffic: isUndone });
}

/** Whether each key that a node wrote is lost, by the revision at which it wrote it. */
interface Losses {
  lock(token: number): boolean;
  nodeKey(written: number): boolean;
  traffic(opened: number): boolean;
}

/** Ends a node that lost a key which it has not itself begun to give up. */
function endAtLoss(node: KeyOwner, keys: GroupView["keys"], isLost: Losses): void {
  const { membership, lock, leaving, trafficOpenSince } = node;
  const { name, modRevision } = membership;
  if (lock && leaving !== "lock" && isLost.lock(lock.token)) end(node, new LockLostError(lock.token));
  if (leaving === "nothing" && isLost.nodeKey(modRevision)) end(node, new NodeKeyLostError(keys.node(name)));
  if (trafficOpenSince !== undefined && isLost.traffic(trafficOpenSince)) {
    end(node, new NodeKeyLostError(keys.details(name)));
  }
}

function isHeld({ membership }: KeyOwner, view: GroupView): boolean {
  return view.details.get(membership.name)?.held === true;
}

function end(node: KeyOwner, error: LockLostError | NodeKeyLostError): void {
  node.fence.close(node.clock.now());
  node.end({ kind: "lost", error });
}
