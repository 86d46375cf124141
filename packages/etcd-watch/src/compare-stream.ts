import type { Clock } from "@msdha/clock";
import { type EtcdApi, type KeyRange, type RangeResult, readAll, type WatchEvent } from "@msdha/etcd-client";
import { beginComparison, type Comparison } from "./comparison.ts";
import { HistoryReplacedError } from "./errors.ts";
import type { Replica } from "./replica.ts";

export interface CompareStreamOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progressIntervalMs: number;
  /** Whether values are compared the first time: a restored etcd can have another value at the same revision. */
  readonly values: boolean;
  /** The newest revision in the header of any message of the stream. */
  readonly headerRevision: () => number;
}

/** Compares what one stream sends with what etcd holds. */
export interface StreamComparer {
  /** Takes what the stream sends, after the replica has. */
  saw(events: readonly WatchEvent[]): void;
  /** Rejects with a `HistoryReplacedError` when the two differ, or with the reason of the signal. */
  run(): Promise<never>;
}

/** How much of the time may go into comparing: a hundredth. A prefix that takes long to read is read more rarely. */
const PAUSE_PER_READ = 100;
/** And the longest pause all the same, in intervals: what was missed is found within about that time. */
const LONGEST_PAUSE_INTERVALS = 12;
/** How many intervals in a row the stream must be quiet before what it has not sent counts as missed. */
const QUIET_INTERVALS = 2;

/**
 * Compares the whole range with the replica, at most once an interval. A watch can miss an event without a word (etcd
 * issues 17529 and 20655), and an etcd that was restored can grow past what was emitted.
 */
export function compareStream(
  etcd: EtcdApi,
  range: KeyRange,
  replica: Replica,
  options: CompareStreamOptions,
): StreamComparer {
  const { clock, signal, progressIntervalMs, headerRevision } = options;
  let comparison: Comparison | undefined;
  let keysOnly = !options.values;

  /** Resolves with how long the read took; undefined when it failed. */
  async function compareOnce(): Promise<number | undefined> {
    const begun = clock.now();
    comparison = beginComparison(replica);
    const read = await readWhole().catch(() => undefined); // The stream itself says when etcd can't be reached.
    const tookMs = clock.now() - begun;
    signal.throwIfAborted();
    if (!read) return undefined;
    await settle(comparison, read);
    keysOnly = true;
    return tookMs;
  }

  function readWhole(): Promise<RangeResult> {
    return readAll(etcd, range, { timeoutMs: progressIntervalMs / 2, signal, keysOnly });
  }

  async function settle({ judge }: Comparison, read: RangeResult): Promise<void> {
    let quiet = 0;
    for (;;) {
      const verdict = judge(read, { keysOnly });
      if (verdict === "same") return;
      if (verdict === "different" || quiet >= QUIET_INTERVALS) {
        throw new HistoryReplacedError("etcd's state is not what the watch sent");
      }
      const emitted = replica.revision;
      await clock.sleep(progressIntervalMs, { signal });
      // Headers can be ahead of events that are still to come, but not for whole intervals.
      const silent = replica.revision === emitted && headerRevision() >= read.revision;
      quiet = silent ? quiet + 1 : 0;
    }
  }

  function pauseAfter(tookMs: number): number {
    const longestMs = LONGEST_PAUSE_INTERVALS * progressIntervalMs;
    return Math.min(Math.max(progressIntervalMs, PAUSE_PER_READ * tookMs), longestMs);
  }

  return {
    saw: (events) => comparison?.saw(events),
    async run() {
      let pauseMs = progressIntervalMs;
      for (;;) {
        await clock.sleep(pauseMs, { signal });
        const tookMs = await compareOnce();
        // One that failed, or took until its time was over, says nothing of how long it takes.
        if (tookMs !== undefined) pauseMs = pauseAfter(tookMs);
        comparison = undefined;
      }
    },
  };
}
