import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import {
  createWaiters,
  doubtFreeLock,
  followHandovers,
  followLock,
  type HandoverHistory,
  type LockHistory,
  unknownHandovers,
  unknownLockHistory,
} from "@msdha/etcd-lock";
import { watchPrefix } from "@msdha/etcd-watch";
import { applyBatch } from "./apply-batch.ts";
import { followMaster, type MasterSeen } from "./master-seen.ts";
import { type NodeChange, nodeChanges } from "./node-change.ts";
import { createGroupView, type GroupView } from "./view.ts";

/** A group, followed through the watch of its prefix. */
export interface GroupFollower {
  /** The newest view. */
  readonly view: GroupView;
  /** What the watch has shown of hand-overs. */
  readonly handovers: HandoverHistory;
  /** What the watch has shown of the lock. */
  readonly lockHistory: LockHistory;
  /** When the group was last seen to have a master, as far as that is known. */
  readonly masterSeen: MasterSeen;
  /**
   * Records that an answer named another holder of the lock: the time since which the lock was free does not count any
   * more.
   */
  doubtFreeLock(): void;
  /** Resolves when the view is another one than `since`, or after `timeoutMs`. Rejects with the reason of `signal`. */
  changed(options: ChangedOptions): Promise<void>;
  /** Calls `listener` for every batch from now on, after those that were there before. It must not throw. */
  listen(listener: ViewListener): void;
  /** Settles only when following has ended: by an error of etcd that lasts, or with the reason of the signal. */
  readonly ended: Promise<never>;
}

export interface ChangedOptions {
  readonly since: GroupView;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Gets every batch, in order, with the changes of nodes in it, and whether etcd was restored to an older state: revisions
 * from before are meaningless then.
 */
export type ViewListener = (
  view: GroupView,
  changes: readonly NodeChange[],
  more: { readonly restored: boolean },
) => void;

export interface FollowOptions {
  readonly clock: Clock;
  /** Ends the following. */
  readonly signal: AbortSignal;
  /** Called when etcd can't be followed any more (`up` false), and when it can again. */
  readonly onHealth?: (up: boolean, why?: Error) => void;
}

/** Follows a group. The view is empty, at revision 0, until etcd has answered for the first time. */
export function followGroup(
  etcd: EtcdApi,
  group: string,
  { clock, signal, onHealth }: FollowOptions,
): GroupFollower {
  let view = createGroupView(group);
  let handovers = unknownHandovers;
  let lockHistory = unknownLockHistory;
  let masterSeen: MasterSeen;
  const listeners: ViewListener[] = [];
  const waiters = createWaiters(clock);

  async function follow(): Promise<never> {
    for await (const batch of watchPrefix(etcd, view.keys.prefix, {
      clock,
      signal,
      ...(onHealth && { onHealth }),
    })) {
      lockHistory = followLock(lockHistory, view.keys, batch, clock.now());
      handovers = followHandovers(handovers, view.keys, batch);
      const before = view;
      view = applyBatch(view, batch);
      masterSeen = followMaster(masterSeen, { before, after: view, batch }, clock.now());
      const restored = batch.type === "changes" && batch.restored;
      const changes = nodeChanges(view.keys, batch);
      for (const listener of listeners) listener(view, changes, { restored });
      waiters.wake();
    }
    throw signal.reason ?? new Error("the watch of the group has ended");
  }

  async function changed({ since, timeoutMs, signal: stop }: ChangedOptions): Promise<void> {
    stop?.throwIfAborted();
    if (view !== since) return;
    await waiters.wait({ ...(timeoutMs !== undefined && { timeoutMs }), ...(stop && { signal: stop }) });
  }

  const ended = follow();
  ended.catch(() => {});
  return {
    get view() {
      return view;
    },
    get handovers() {
      return handovers;
    },
    get lockHistory() {
      return lockHistory;
    },
    get masterSeen() {
      return masterSeen;
    },
    doubtFreeLock() {
      lockHistory = doubtFreeLock(lockHistory);
    },
    changed,
    listen: (listener) => void listeners.push(listener),
    ended,
  };
}
