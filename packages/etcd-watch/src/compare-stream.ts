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
  /** Called with a `HistoryReplacedError` when a comparison found a difference. */
  readonly onDifferent: (error: unknown) => void;
}

/** Compares what one stream sends with what etcd holds. */
export interface StreamComparer {
  /** Takes what the stream sends, after the replica has. */
  saw(events: readonly WatchEvent[]): void;
  /** Whether the last read of the whole range took so little time that no other read is needed beside the next one. */
  readonly isQuick: boolean;
  /**
   * Begins a comparison if one is due. Returns a promise of its linearizable read, which resolves with undefined when it
   * failed, or undefined if none is due. Never rejects.
   */
  beginIfDue(): Promise<RangeResult | undefined> | undefined;
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
  const { clock, signal, progressIntervalMs, headerRevision, onDifferent } = options;
  let comparison: Comparison | undefined;
  let withValues = options.values;
  let pauseMs = progressIntervalMs;
  let dueAt = clock.now() + pauseMs;
  let isQuick = false;

  async function read(keysOnly: boolean): Promise<RangeResult | undefined> {
    const begun = clock.now();
    const options = { timeoutMs: progressIntervalMs / 2, signal, keysOnly };
    const answer = await readAll(etcd, range, options).catch(() => undefined); // The stream itself says when etcd can't be reached.
    const tookMs = clock.now() - begun;
    // One that failed, or took until its time was over, says nothing of how long it takes.
    if (answer) pauseMs = pauseAfter(tookMs);
    isQuick = answer !== undefined && PAUSE_PER_READ * tookMs <= progressIntervalMs;
    dueAt = begun + pauseMs;
    return answer;
  }

  async function finish(
    begun: Comparison,
    reading: Promise<RangeResult | undefined>,
    keysOnly: boolean,
  ): Promise<void> {
    const answer = await reading;
    signal.throwIfAborted();
    if (answer) {
      await settle(begun, answer, keysOnly);
      withValues = false;
    }
    comparison = undefined;
  }

  async function settle({ judge }: Comparison, answer: RangeResult, keysOnly: boolean): Promise<void> {
    let quiet = 0;
    for (;;) {
      const verdict = judge(answer, { keysOnly });
      if (verdict === "same") return;
      if (verdict === "different" || quiet >= QUIET_INTERVALS) {
        throw new HistoryReplacedError("etcd's state is not what the watch sent");
      }
      const emitted = replica.revision;
      await clock.sleep(progressIntervalMs, { signal });
      // Headers can be ahead of events that are still to come, but not for whole intervals.
      const silent = replica.revision === emitted && headerRevision() >= answer.revision;
      quiet = silent ? quiet + 1 : 0;
    }
  }

  function pauseAfter(tookMs: number): number {
    const longestMs = LONGEST_PAUSE_INTERVALS * progressIntervalMs;
    return Math.min(Math.max(progressIntervalMs, PAUSE_PER_READ * tookMs), longestMs);
  }

  return {
    saw: (events) => comparison?.saw(events),
    get isQuick() {
      return isQuick;
    },
    beginIfDue() {
      if (comparison || clock.now() < dueAt) return undefined;
      // The value of a single key is no more than an answer may be.
      const keysOnly = (range.prefix ?? false) && !withValues;
      comparison = beginComparison(replica);
      const reading = read(keysOnly);
      finish(comparison, reading, keysOnly).catch((error: unknown) => {
        if (!signal.aborted) onDifferent(error);
      });
      return reading;
    },
  };
}
