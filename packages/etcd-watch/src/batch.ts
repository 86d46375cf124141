import type { KeyValue, WatchEvent } from "@msdha/etcd-client";

/** The state of the prefix; always the first batch, and the only one of its type. */
export interface WatchSnapshot {
  readonly type: "snapshot";
  /** The store's revision at which it was read. */
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
}

/** What changed after the batch before it, in order; all events of a revision are in one batch. */
export interface WatchChanges {
  readonly type: "changes";
  /** The batch brings the state to this revision: that of its last event, or that of the fresh read of a `resync`. */
  readonly revision: number;
  /** Can be empty with `resync`. */
  readonly events: readonly WatchEvent[];
  /**
   * The first batch of a stream that replaced a broken one. Usually nothing is missing before it; but etcd may have been
   * restored meanwhile and have gone on beyond the last batch, which a later batch will say.
   */
  readonly resumed: boolean;
  /**
   * Single steps are missing (etcd was compacted or restored, or more was waiting than `maxBufferedEvents`): the events
   * are the net difference, deletions first, at the batch's revision, then puts, by the revision of their last put.
   */
  readonly resync: boolean;
  /** The history of the earlier batches is not etcd's any more: it was restored to an older state. Implies `resync`. */
  readonly restored: boolean;
}

export type WatchBatch = WatchSnapshot | WatchChanges;
