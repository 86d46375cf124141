import type { KeyValue } from "@msdha/etcd-client";
import type { WatchBatch } from "./batch.ts";

/** Brings `state`, keyed by the keys' names, to the revision of `batch`. */
export function applyBatch(state: Map<string, KeyValue>, batch: WatchBatch): void {
  if (batch.type === "snapshot") {
    state.clear();
    for (const kv of batch.kvs) state.set(kv.key, kv);
    return;
  }
  for (const { type, kv } of batch.events) {
    if (type === "PUT") state.set(kv.key, kv);
    else state.delete(kv.key);
  }
}
