import { type Clock, systemClock } from "@msdha/clock";
import type { EtcdApi, KeyRange } from "@msdha/etcd-client";
import type { WatchBatch } from "./batch.ts";
import { createBuffer } from "./buffer.ts";
import { follow } from "./follow.ts";
import { createLimitedWaiting } from "./limited-waiting.ts";

export interface WatchOptions {
  /** Default: the boot-time clock. */
  readonly clock?: Clock;
  /** Ends the watch, at once, with its reason; what was not consumed yet is dropped. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How often a sign of life is requested, in ms, default: 5,000. A stream that is silent after that for as long again,
   * or takes as long to open, is given up.
   */
  readonly progressIntervalMs?: number;
  /**
   * How many events may wait for a slow consumer, default: no limit. When more wait, they are merged into one batch with
   * `resync`. The state of the prefix is then held in memory two times more.
   */
  readonly maxBufferedEvents?: number;
  /**
   * Called when following begins (`true`), when it fails (`false` and why: two failures in a row, or a silent stream)
   * and when it is back. Must not throw.
   */
  readonly onHealth?: ((up: boolean, why?: Error) => void) | undefined;
}

/** Returns the batches of a range. Throws a `TypeError` at once for options that make no sense. */
export function watchRange(
  etcd: EtcdApi,
  range: KeyRange,
  options: WatchOptions,
): AsyncGenerator<WatchBatch, never, void> {
  const { clock = systemClock, signal, progressIntervalMs = 5_000, onHealth = () => {} } = options;
  const { maxBufferedEvents = Number.POSITIVE_INFINITY } = options;
  mustBePositive({ progressIntervalMs, maxBufferedEvents });
  return deliver(
    (emit, stop) => follow(etcd, range, { clock, signal: stop, progressIntervalMs, emit, onHealth }),
    maxBufferedEvents,
    signal,
  );
}

async function* deliver(
  produce: (emit: (batch: WatchBatch) => void, stop: AbortSignal) => Promise<never>,
  maxEvents: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchBatch, never, void> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const limited = maxEvents < Number.POSITIVE_INFINITY;
  const buffer = limited ? createBuffer(createLimitedWaiting(maxEvents)) : createBuffer();
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

function mustBePositive(numbers: Readonly<Record<string, number>>): void {
  for (const [name, number] of Object.entries(numbers)) {
    if (!(number > 0)) throw new TypeError(`expected ${name} to be more than 0, got ${number}`);
  }
}
