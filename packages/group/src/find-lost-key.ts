import type { LeaseId } from "@msdha/etcd-client";
import { LockLostError, type ObservedRevisions } from "@msdha/etcd-lock";
import { NodeKeyLostError } from "./errors.ts";
import type { GroupFollower } from "./follow-group.ts";
import type { GroupKeys } from "./keys.ts";
import type { GroupView } from "./view.ts";

/**
 * What a node has in etcd: each key by the revision at which the node wrote it last, undefined for one that it does not
 * have, or is about to give up by itself.
 */
export interface OwnKeys {
  readonly name: string;
  readonly lease: LeaseId;
  /** The lock's token. */
  readonly lock: number | undefined;
  readonly nodeKey: number | undefined;
  /** When the node let traffic go on that was held back. */
  readonly openTraffic: number | undefined;
}

/** What etcd has shown: a view, after a restore or not; or an answer, by the revision that it shows etcd restored to. */
export type Evidence =
  | { readonly view: GroupView; readonly restored: boolean }
  | { readonly restoredTo: number };

/** Whether the key that was written at a revision is lost. */
interface Losses {
  lock(token: number): boolean;
  nodeKey(written: number): boolean;
  traffic(opened: number): boolean;
}

/** Returns why a node can't go on, if `evidence` shows that one of its keys is not what it wrote. */
export function findLostKey(own: OwnKeys, keys: GroupKeys, evidence: Evidence): Error | undefined {
  const losses = listLosses(own, evidence);
  const { lock, nodeKey, openTraffic, name } = own;
  if (lock !== undefined && losses.lock(lock)) return new LockLostError(lock);
  if (nodeKey !== undefined && losses.nodeKey(nodeKey)) return new NodeKeyLostError(keys.node(name));
  if (openTraffic !== undefined && losses.traffic(openTraffic)) {
    return new NodeKeyLostError(keys.details(name));
  }
  return undefined;
}

/** Looks for lost keys in each view of `follower`, and at each restore that an answer shows. */
export function watchOwnKeys(
  follower: GroupFollower,
  observed: ObservedRevisions,
  { own, onLost }: { readonly own: () => OwnKeys; readonly onLost: (error: Error) => void },
): void {
  function judge(evidence: Evidence): void {
    const lost = findLostKey(own(), follower.view.keys, evidence);
    if (lost) onLost(lost);
  }
  follower.listen((view, _, { restored }) => judge({ view, restored }));
  observed.listen((restoredTo) => judge({ restoredTo }));
}

function listLosses({ name, lease }: OwnKeys, evidence: Evidence): Losses {
  // The watch may never show this restore.
  if ("restoredTo" in evidence) {
    const isUndone = (written: number): boolean => written > evidence.restoredTo;
    return { lock: isUndone, nodeKey: isUndone, traffic: isUndone };
  }
  const { view, restored } = evidence;
  const { revision, lock } = view;
  const key = view.nodes.get(name);
  const isHeld = view.details.get(name)?.held === true;
  // A snapshot can bring back the lock and the lease of a master whose publication it does not know, and what is believed
  // of both would never be proved wrong: our keys must be exactly what we last wrote.
  if (restored) {
    return {
      lock: (token) => lock?.token !== token || lock.lease !== lease,
      nodeKey: (written) => key?.lease !== lease || key.modRevision !== written,
      traffic: () => isHeld,
    };
  }
  // A view that should show what we wrote and shows something older is of a history that does not have it: etcd was
  // restored, and its revisions have grown past ours again.
  return {
    lock: (token) => revision >= token && lock?.token !== token,
    nodeKey: (written) => revision >= written && (key?.lease !== lease || key.modRevision < written),
    traffic: (opened) => revision >= opened && isHeld,
  };
}
