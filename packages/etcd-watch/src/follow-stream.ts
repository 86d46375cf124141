import { type Clock, isTimeoutError, withTimeout } from "@msdha/clock";
import {
  type EtcdApi,
  EtcdUnavailableError,
  type KeyRange,
  type RangeResult,
  type WatchStream,
} from "@msdha/etcd-client";
import type { WatchBatch } from "./batch.ts";
import { compareStream } from "./compare-stream.ts";
import { HistoryReplacedError, ProgressUnansweredError, WatchStalledError } from "./errors.ts";
import type { Replica } from "./replica.ts";

export interface FollowStreamOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progressIntervalMs: number;
  /** Another stream was followed before, since the last fresh read: etcd may have been restored meanwhile. */
  readonly resumed: boolean;
  /** Whether the stream is given up for its silence. If not, only the comparison shows that it is alive. */
  readonly needsProgress: boolean;
  readonly emit: (batch: WatchBatch) => void;
  /** Called at the first message. */
  readonly onOpen: () => void;
}

/**
 * Opens one watch stream at the replica's revision and emits what comes after it. Rejects with the reason why the stream
 * can't be followed any more; it and everything around it has ended then.
 */
export async function followStream(
  etcd: EtcdApi,
  range: KeyRange,
  replica: Replica,
  options: FollowStreamOptions,
): Promise<never> {
  const { clock, signal, progressIntervalMs, resumed, needsProgress, emit, onOpen } = options;
  const over = new AbortController();
  const onAbort = (): void => over.abort(signal.reason);
  const opened = Promise.withResolvers<void>();
  const received = { messages: 0, revision: 0 };
  let answered = false;
  const comparer = compareStream(etcd, range, replica, {
    clock,
    signal: over.signal,
    progressIntervalMs,
    values: resumed,
    headerRevision: () => (needsProgress ? received.revision : Number.POSITIVE_INFINITY),
    onDifferent: (error) => over.abort(error),
  });
  let emittedAny = false;

  async function receive(stream: WatchStream): Promise<never> {
    for await (const { events, revision } of stream) {
      over.signal.throwIfAborted();
      received.messages += 1;
      received.revision = Math.max(received.revision, revision);
      if (received.messages === 1) {
        opened.resolve();
        onOpen();
      }
      const batch = replica.apply(events);
      if (!batch) continue;
      comparer.saw(batch.events);
      emit({ ...batch, resumed: resumed && !emittedAny });
      emittedAny = true;
    }
    throw new EtcdUnavailableError("the watch stream ended");
  }

  async function supervise(stream: WatchStream): Promise<never> {
    await withTimeout(clock, progressIntervalMs, () => opened.promise, { signal: over.signal }).catch(
      (error) => {
        throw isTimeoutError(error)
          ? new WatchStalledError(`no watch opened within ${progressIntervalMs} ms`)
          : error;
      },
    );
    // Some versions of etcd don't answer a request for progress that comes before the new watch has caught up.
    let last = await spendInterval();
    for (;;) {
      const { messages } = received;
      stream.requestProgress();
      const { quiet, read } = await spendInterval();
      answered ||= received.messages > messages;
      if (!needsProgress && !answered) continue;
      if (received.messages === messages) {
        const Stalled = read && last.read && !answered ? ProgressUnansweredError : WatchStalledError;
        throw new Stalled(`no sign of life for ${progressIntervalMs} ms`);
      }
      const due = last.read?.revision ?? 0;
      if (quiet && received.revision < due)
        throw new WatchStalledError(`the member is at ${received.revision}, a quorum was at ${due}`);
      last = { quiet, read };
    }
  }

  /** Lets one interval pass, with a read beside it. `quiet`: it brought no events. */
  async function spendInterval(): Promise<Interval> {
    const emitted = replica.revision;
    let read: RangeResult | undefined;
    readBeside().then(
      (answer) => {
        read = answer;
      },
      () => {}, // The stream itself shows when etcd can't be reached.
    );
    await clock.sleep(progressIntervalMs, { signal: over.signal });
    return { quiet: replica.revision === emitted, read };
  }

  /**
   * Asks a quorum how far it is: by a comparison where one is due and known to be quick, else by a read of one key beside it.
   * Ends the stream when the answer shows that etcd was restored.
   */
  async function readBeside(): Promise<RangeResult | undefined> {
    const { isQuick } = comparer;
    const compared = comparer.beginIfDue();
    if (compared && isQuick) return compared;
    const emitted = replica.revision;
    const answer = await etcd.range(
      { key: range.key },
      { timeoutMs: progressIntervalMs / 2, signal: over.signal },
    );
    const refuted =
      replica.revision === emitted
        ? replica.isRefutedBy(answer, { whole: false })
        : answer.revision < emitted;
    if (refuted) over.abort(new HistoryReplacedError("etcd was restored to an older state"));
    return answer;
  }

  signal.throwIfAborted();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    // From the last revision that was emitted, though it is known: a compaction at the revision after it would forget
    // its deletions silently (etcd issue 18089), where one beyond the first revision that was asked for ends the watch.
    const stream = etcd.watch({ ...range, startRevision: replica.revision }, { signal: over.signal });
    return await Promise.race([receive(stream), supervise(stream)]);
  } catch (error) {
    // The client learns why the stream is left: one that stalled puts its member in doubt.
    over.abort(error);
    throw over.signal.reason;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

interface Interval {
  readonly quiet: boolean;
  /** What a quorum knew during it, if that could be learned. */
  readonly read: RangeResult | undefined;
}
