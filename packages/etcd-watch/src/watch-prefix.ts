import { type Clock, systemClock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import type { WatchBatch } from "./batch.ts";
import { createBuffer } from "./buffer.ts";
import { follow } from "./follow.ts";

export interface WatchPrefixOptions {
  readonly clock?: Clock;
  /** Ends the watch, at once, with its reason; what was not consumed yet is dropped. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How often a sign of life is asked for, in ms, default 5,000. A stream that is silent after that for as long again,
   * or takes as long to open, is given up.
   */
  readonly progressIntervalMs?: number;
  /**
   * Told when following begins (`true`), when it fails (`false` and why: two failures in a row, or a silent stream)
   * and when it is back. Must not throw.
   */
  readonly onHealth?: ((up: boolean, why?: Error) => void) | undefined;
}

/**
 * Watches every key that begins with `prefix`: its state first, then every change after it, in etcd's order, each
 * once, the changes of one revision together, across broken streams, restarts of etcd and slow consumption (what is
 * not consumed is held in memory). Only after a compaction or a restore of etcd are steps left out; such a batch says so.
 *
 * Nothing is asked of etcd before the first batch is. Ends when the loop over it is left, or with an error: the reason
 * of `signal`, or an `EtcdAuthError` that lasted 10 s; everything else is tried again for ever (50 ms to 1 s between).
 * While `next()` is pending only `signal` ends it. Bad options throw a `TypeError`.
 *
 * Not promised: that the newest batch is what etcd holds now (ask by a read or a transaction), nor that a deletion
 * and re-creation are told apart within a `resync`, other than by the create revision.
 */
export function watchPrefix(
  etcd: EtcdApi,
  prefix: string,
  options: WatchPrefixOptions = {},
): AsyncGenerator<WatchBatch, never, void> {
  const { clock = systemClock, signal, progressIntervalMs = 5_000, onHealth = () => {} } = options;
  if (prefix === "") throw new TypeError("expected a prefix, got an empty text");
  if (!(progressIntervalMs > 0)) {
    throw new TypeError(`expected progressIntervalMs to be more than 0, got ${progressIntervalMs}`);
  }
  return deliver(
    (tell, stop) => follow(etcd, prefix, { clock, signal: stop, progressIntervalMs, tell, onHealth }),
    signal,
  );
}

async function* deliver(
  produce: (tell: (batch: WatchBatch) => void, stop: AbortSignal) => Promise<never>,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchBatch, never, void> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const buffer = createBuffer<WatchBatch>();
  const onAbort = (): void => {
    buffer.end(signal?.reason);
    stop.abort(signal?.reason);
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    produce(buffer.put, stop.signal).catch(buffer.end);
    for (;;) yield await buffer.take();
  } finally {
    signal?.removeEventListener("abort", onAbort);
    stop.abort();
  }
}
