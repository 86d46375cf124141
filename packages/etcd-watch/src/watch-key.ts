import type { EtcdApi, KeyValue } from "@msdha/etcd-client";
import { type WatchOptions, watchRange } from "./watch-range.ts";

/** What a key was at one revision. */
export interface KeyState {
  /** Undefined when the key does not exist. */
  readonly kv: KeyValue | undefined;
  /** The revision of the change; of the first state, the store's when it was read. */
  readonly revision: number;
  /** States before this one may be missing: see `WatchChanges.resync`. */
  readonly resync: boolean;
}

/**
 * Watches one key: yields its state first, then its state after every change, as `watchPrefix` does for a prefix, with
 * the same options, errors and promises. After a `resync` that changed nothing it yields nothing.
 */
export function watchKey(
  etcd: EtcdApi,
  key: string,
  options: WatchOptions = {},
): AsyncGenerator<KeyState, never, void> {
  if (key === "") throw new TypeError("expected a key, got an empty text");
  const batches = watchRange(etcd, { key }, options);
  return (async function* () {
    for await (const batch of batches) {
      if (batch.type === "snapshot") {
        yield { kv: batch.kvs[0], revision: batch.revision, resync: false };
        continue;
      }
      const { resync } = batch;
      for (const { type, kv } of batch.events) {
        yield { kv: type === "PUT" ? kv : undefined, revision: kv.modRevision, resync };
      }
    }
    throw new Error("unreachable: batches end only by an error");
  })();
}
