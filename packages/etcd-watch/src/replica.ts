import type { KeyValue, RangeResult, WatchEvent } from "@msdha/etcd-client";
import type { WatchBatch, WatchChanges } from "./batch.ts";
import { contradicts, difference, differingKeys } from "./difference.ts";

/** The prefix as it was emitted so far. */
export interface Replica {
  /**
   * The last revision that was emitted; 0 before the first read. The watch continues after it. Revisions of messages
   * without events never move it: etcd before 3.4.25 and 3.5.8 sends them ahead of events that are still to come.
   */
  readonly revision: number;
  /** Whether keys and values take no more than this. Looks at no more of them than it has to. */
  fitsIn(bytes: number): boolean;
  /** Takes a fresh read: returns the snapshot, or the difference to the state so far. `restored`: etcd is known to be. */
  load(read: RangeResult, options?: { readonly restored?: boolean }): WatchBatch;
  /** Takes a message's events. Those that were emitted already are left out: etcd before 3.4.25 can repeat some. */
  apply(events: readonly WatchEvent[]): WatchChanges | undefined;
  /**
   * Whether a read that was requested at the present revision can't be of the history that was followed. `whole`: it was of the whole
   * range, so that a key that it lacks is not there.
   */
  isRefutedBy(read: RangeResult, how: { readonly whole: boolean }): boolean;
  /** Returns the keys of the prefix that are not as in a read of it. With `keysOnly` values are not compared. */
  differing(kvs: readonly KeyValue[], how: { readonly keysOnly: boolean }): string[];
}

export function createReplica(): Replica {
  let state = new Map<string, KeyValue>();
  let revision = 0;

  function isRefutedBy(read: RangeResult, { whole }: { readonly whole: boolean }): boolean {
    if (read.revision < revision || contradicts(state, revision, read.kvs)) return true;
    // Later on a key can have been deleted in between.
    return whole && read.revision === revision && read.kvs.length !== state.size;
  }

  function load(read: RangeResult, { restored = false } = {}): WatchBatch {
    const first = revision === 0;
    const refuted = restored || isRefutedBy(read, { whole: true });
    const events = difference(state, read.kvs, read.revision);
    state = new Map(read.kvs.map((kv) => [kv.key, kv]));
    revision = read.revision;
    if (first) return { type: "snapshot", revision, kvs: read.kvs };
    return { type: "changes", revision, events, resumed: false, resync: true, restored: refuted };
  }

  function apply(messageEvents: readonly WatchEvent[]): WatchChanges | undefined {
    const events = messageEvents.filter(({ kv }) => kv.modRevision > revision);
    for (const { type, kv } of events) {
      if (type === "PUT") state.set(kv.key, kv);
      else state.delete(kv.key);
      revision = Math.max(revision, kv.modRevision);
    }
    return events.length > 0
      ? { type: "changes", revision, events, resumed: false, resync: false, restored: false }
      : undefined;
  }

  function fitsIn(bytes: number): boolean {
    let sum = 0;
    for (const { key, value } of state.values()) {
      sum += key.length + value.length;
      if (sum > bytes) return false;
    }
    return true;
  }

  return {
    get revision() {
      return revision;
    },
    fitsIn,
    load,
    apply,
    isRefutedBy,
    differing: (kvs, how) => differingKeys(state, kvs, how),
  };
}
