import type { LeaseId } from "@msdha/etcd-client";
import type { WatchBatch } from "@msdha/etcd-watch";
import type { GroupKeys } from "./keys.ts";

/** What a watch of the group has shown of the lock: since when it has been free, as far as every step of it was seen. */
export interface LockHistory {
  /** When an answer was received that showed the lock free, with nothing but that since; undefined while it is held. */
  readonly freeSince: number | undefined;
  /** The revision in which it was seen to be given up or lost last; 0 where that was not seen. */
  readonly freedRevision: number;
  /** The same for the time directly before the lock was taken last: by whom, and since when it had been free. */
  readonly lastTake:
    | { readonly token: number; readonly lease: LeaseId; readonly freeSince: number }
    | undefined;
}

/** Nothing is known yet. */
export const unknownLockHistory: LockHistory = {
  freeSince: undefined,
  freedRevision: 0,
  lastTake: undefined,
};

/**
 * The history after one more batch that was received at `now`. Where steps may be missing (after a compaction, when
 * etcd was restored, or when the watch was broken and etcd may have been restored meanwhile) it begins anew.
 */
export function followLock(
  history: LockHistory,
  { lock }: GroupKeys,
  batch: WatchBatch,
  now: number,
): LockHistory {
  if (batch.type === "snapshot") {
    const held = batch.kvs.some(({ key }) => key === lock);
    return { freeSince: held ? undefined : now, freedRevision: 0, lastTake: undefined };
  }
  const changes = batch.events.filter(({ kv }) => kv.key === lock);
  if (batch.resync) {
    const held = changes.length > 0 ? changes.at(-1)?.type === "PUT" : history.freeSince === undefined;
    return { freeSince: held ? undefined : now, freedRevision: 0, lastTake: undefined };
  }
  let { freeSince, freedRevision, lastTake } = batch.resumed
    ? { ...unknownLockHistory, freedRevision: history.freedRevision }
    : history;
  for (const { type, kv } of changes) {
    if (type === "DELETE") {
      freeSince = now;
      freedRevision = kv.modRevision;
    } else if (freeSince !== undefined) {
      lastTake = { token: kv.createRevision, lease: kv.lease, freeSince };
      freeSince = undefined;
    }
  }
  return { freeSince, freedRevision, lastTake };
}
