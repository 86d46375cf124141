import type { EtcdApi } from "@msdha/etcd-client";
import type { WatchBatch } from "./batch.ts";
import { type WatchOptions, watchRange } from "./watch-range.ts";

export type WatchPrefixOptions = WatchOptions;

/**
 * Watches every key that begins with `prefix`: yields its state first, then every change after it, in etcd's order, each
 * once, the changes of one revision together, across broken streams and restarts of etcd. Steps are missing only after a
 * compaction or a restore of etcd, or where `maxBufferedEvents` is set; such a batch says so.
 *
 * Sends nothing to etcd before the first batch is asked for. Ends when the loop over it is left, or with an error: the
 * reason of `signal`, or an `EtcdAuthError` that lasted 10 s; everything else is tried again for ever (50 ms to 1 s
 * between). While `next()` is pending only `signal` ends it. Bad options throw a `TypeError`.
 *
 * Not promised: that the newest batch is what etcd holds now (read it, or write with a compare), nor that a deletion and
 * re-creation within a `resync` are two events; the create revision shows it.
 */
export function watchPrefix(
  etcd: EtcdApi,
  prefix: string,
  options: WatchPrefixOptions = {},
): AsyncGenerator<WatchBatch, never, void> {
  if (prefix === "") throw new TypeError("expected a prefix, got an empty text");
  return watchRange(etcd, { key: prefix, prefix: true }, options);
}
