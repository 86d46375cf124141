import type { LeaseId, WatchEvent } from "@msdha/etcd-client";
import type { WatchBatch } from "@msdha/etcd-watch";
import type { LockKeys } from "./lock-keys.ts";
import { parseLock } from "./lock-value.ts";

/** What a watch has shown of the lock: since when it has been free, as far as every step of it was seen. */
export interface LockHistory {
  /** When an answer was received that showed the lock free, with nothing but that since; undefined while it is held. */
  readonly freeSince: number | undefined;
  /** The revision of the record of the longest TTL when the lock was seen to be free. Every take of the lock writes that record. */
  readonly freeRecord: number;
  /** The revision of the record of the longest TTL as the watch has it; 0 when there is none. */
  readonly record: number;
  /** The revision in which it was seen to be given up or lost last; 0 where that was not seen. */
  readonly freedRevision: number;
  /**
   * The same for the time directly before the lock was taken last: by whom, and since when it had been free. Undefined
   * if that take found another record than the watch had: another take came in between, and the watch missed it.
   */
  readonly lastTake:
    | { readonly token: number; readonly lease: LeaseId; readonly freeSince: number }
    | undefined;
}

/** Nothing is known yet. */
export const unknownLockHistory: LockHistory = {
  freeSince: undefined,
  freeRecord: 0,
  record: 0,
  freedRevision: 0,
  lastTake: undefined,
};

/**
 * Returns the history after one more batch that was received at `now`. Where steps may be missing (after a compaction,
 * when etcd was restored, or when the watch was broken and etcd may have been restored meanwhile) it begins anew.
 */
export function followLock(
  history: LockHistory,
  keys: LockKeys,
  batch: WatchBatch,
  now: number,
): LockHistory {
  if (batch.type === "snapshot") {
    const held = batch.kvs.some(({ key }) => key === keys.lock);
    const record = batch.kvs.find(({ key }) => key === keys.ttl)?.modRevision ?? 0;
    return beginAnew(held ? undefined : now, record);
  }
  if (batch.resync) {
    const lock = batch.events.findLast(({ kv }) => kv.key === keys.lock);
    const held = lock ? lock.type === "PUT" : history.freeSince === undefined;
    const record = batch.events.findLast(({ kv }) => kv.key === keys.ttl);
    return beginAnew(held ? undefined : now, record ? recordAfter(record) : history.record);
  }
  const before = batch.resumed
    ? { ...beginAnew(undefined, history.record), freedRevision: history.freedRevision }
    : history;
  return batch.events.reduce((known, event) => followEvent(known, keys, event, now), before);
}

/**
 * Returns the history after an answer that named another holder of the lock, which the watch may have missed: since when
 * the lock was free is not known any more.
 */
export function doubtFreeLock(history: LockHistory): LockHistory {
  return { ...history, freeSince: undefined };
}

function beginAnew(freeSince: number | undefined, record: number): LockHistory {
  return { ...unknownLockHistory, freeSince, freeRecord: record, record };
}

function followEvent(history: LockHistory, keys: LockKeys, event: WatchEvent, now: number): LockHistory {
  const { type, kv } = event;
  if (kv.key === keys.ttl) {
    const record = recordAfter(event);
    // Deleting the whole prefix removes both in one revision.
    const together = history.freeSince !== undefined && history.freedRevision === kv.modRevision;
    return { ...history, record, freeRecord: together ? record : history.freeRecord };
  }
  if (kv.key !== keys.lock) return history;
  if (type === "DELETE") {
    return { ...history, freeSince: now, freeRecord: history.record, freedRevision: kv.modRevision };
  }
  const { freeSince, freeRecord } = history;
  if (freeSince === undefined) return history;
  const unseen = parseLock(kv.value)?.record !== freeRecord;
  const lastTake = unseen ? undefined : { token: kv.createRevision, lease: kv.lease, freeSince };
  return { ...history, freeSince: undefined, lastTake };
}

function recordAfter({ type, kv }: WatchEvent): number {
  return type === "PUT" ? kv.modRevision : 0;
}
