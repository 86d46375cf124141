import type { KeyValue } from "@msdha/etcd-client";
import Queue from "yocto-queue";
import { applyBatch } from "./apply-batch.ts";
import type { WatchBatch } from "./batch.ts";
import type { Waiting } from "./buffer.ts";
import { difference } from "./difference.ts";

/**
 * Lets `maxEvents` events wait (and always one batch, however large). When there are more, everything that waits is
 * replaced by one batch: the net difference between what was consumed and the newest state. Memory is bounded by that
 * limit and by the size of the prefix, whose state is kept twice.
 */
export function createLimitedWaiting(maxEvents: number): Waiting {
  const batches = new Queue<WatchBatch>();
  const newest = new Map<string, KeyValue>();
  let consumed: Map<string, KeyValue> | undefined;
  let revision = 0;
  let events = 0;
  /** Set while the batches are replaced by the net difference. */
  let merged: { restored: boolean } | undefined;

  function merge(): void {
    merged = { restored: false };
    for (const each of batches.drain()) merged.restored ||= isRestored(each);
    events = 0;
  }

  function takeMerged(restored: boolean): WatchBatch {
    const kvs = [...newest.values()];
    const before = consumed;
    consumed = new Map(newest);
    merged = undefined;
    if (!before) return { type: "snapshot", revision, kvs };
    const net = difference(before, kvs, revision);
    return { type: "changes", revision, events: net, resumed: false, resync: true, restored };
  }

  return {
    add(batch) {
      applyBatch(newest, batch);
      revision = batch.revision;
      if (merged) {
        merged.restored ||= isRestored(batch);
        return;
      }
      batches.enqueue(batch);
      events += sizeOf(batch);
      if (events > maxEvents && batches.size > 1) merge();
    },
    next() {
      if (merged) return takeMerged(merged.restored);
      const batch = batches.dequeue();
      if (!batch) return undefined;
      events -= sizeOf(batch);
      consumed ??= new Map();
      applyBatch(consumed, batch);
      return batch;
    },
  };
}

function sizeOf(batch: WatchBatch): number {
  return batch.type === "snapshot" ? batch.kvs.length : batch.events.length;
}

function isRestored(batch: WatchBatch): boolean {
  return batch.type === "changes" && batch.restored;
}
