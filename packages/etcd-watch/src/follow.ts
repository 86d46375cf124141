import type { Clock } from "@msdha/clock";
import { type EtcdApi, isEtcdError, type KeyRange, readAll } from "@msdha/etcd-client";
import type { WatchBatch } from "./batch.ts";
import { HistoryReplacedError, ProgressUnansweredError, WatchStalledError } from "./errors.ts";
import { followStream } from "./follow-stream.ts";
import { createReplica } from "./replica.ts";

export interface FollowOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progressIntervalMs: number;
  readonly emit: (batch: WatchBatch) => void;
  readonly onHealth: (up: boolean, why?: Error) => void;
}

const SHORTEST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 1_000;
/** A stream that brought something, or lasted this long, was a good one: the backoff begins anew after it. */
const GOOD_STREAM_MS = 1_000;
/** etcd refuses a token that it does not know any more just as it refuses a wrong password; only the latter lasts. */
const AUTH_PATIENCE_MS = 10_000;
/** After so many, what is in between answers no such question (etcd's grpc-proxy), and the comparison has to do. */
const UNANSWERED_TO_DO_WITHOUT = 2;
/** A larger prefix goes on without, and is compared later: reading it each time would take longer than what it saves. */
const MOST_BYTES_TO_READ_AGAIN = 256 * 1_024;
const MOST_KEYS_TO_READ_AGAIN = 500;
/** How long a read before another stream may take: this for the first, twice as long for each after it, up to two intervals. */
const RESUMED_READ_MS = 1_000;
/** Small enough for a connection that broke a stream, and may break again soon. */
const RESUMED_PAGE_BYTES = 64 * 1_024;

/** One failure is a change of connection, two in a row are trouble. */
const FAILURES_TO_REPORT = 2;

/**
 * Reads the range, then follows it on one stream after the other, with a read before each if the range is small. Rejects with the signal's
 * reason or an auth error.
 */
export async function follow(etcd: EtcdApi, range: KeyRange, options: FollowOptions): Promise<never> {
  const { clock, signal, progressIntervalMs, emit, onHealth } = options;
  const replica = createReplica();
  let read: "needed" | "needed-restored" | "done" = "needed";
  let resumed = false;
  let up: boolean | undefined;
  let failures = 0;
  /** Streams in a row that never answered when they were asked for a sign of life. */
  let unanswered = 0;
  let refusedSince: number | undefined;

  async function followOnce(): Promise<never> {
    if (read !== "done" || (resumed && (await isSmall()))) await readRange();
    const revisionBefore = replica.revision;
    let openedAt: number | undefined;
    const onOpen = (): void => {
      openedAt = clock.now();
      refusedSince = undefined;
      report(true);
    };
    try {
      return await followStream(etcd, range, replica, {
        clock,
        signal,
        progressIntervalMs,
        resumed,
        needsProgress: unanswered < UNANSWERED_TO_DO_WITHOUT,
        emit,
        onOpen,
      });
    } finally {
      resumed = true;
      const lasted = openedAt !== undefined && clock.now() - openedAt >= GOOD_STREAM_MS;
      if (lasted || replica.revision > revisionBefore) failures = 0;
    }
  }

  /**
   * Loads the range where that is needed. A stream that is resumed continues from the last revision that was emitted,
   * without it, unless the read shows that etcd was restored meanwhile: the watch alone can't, once the new history
   * has grown past that revision.
   */
  async function readRange(): Promise<void> {
    const pageBytes = read === "done" ? RESUMED_PAGE_BYTES : undefined;
    const answer = await readAll(etcd, range, { timeoutMs: readMs(), signal, pageBytes });
    signal.throwIfAborted();
    if (read === "done" && !replica.isRefutedBy(answer, { whole: true })) return;
    emit(replica.load(answer, { restored: read === "needed-restored" }));
    read = "done";
    resumed = false;
  }

  /** Whether the range is to be read before each stream: both what is held of it and what etcd has of it now. */
  async function isSmall(): Promise<boolean> {
    if (!replica.fitsIn(MOST_BYTES_TO_READ_AGAIN)) return false;
    const { next } = await etcd.range(
      { ...range, keysOnly: true, limit: MOST_KEYS_TO_READ_AGAIN },
      { timeoutMs: readMs(), signal },
    );
    return next === undefined;
  }

  /** A read outlasts what is wrong for as long as it may: it would keep the second failure from being reported. */
  function readMs(): number {
    const longest = 2 * progressIntervalMs;
    return resumed ? Math.min(RESUMED_READ_MS * 2 ** Math.max(failures - 1, 0), longest) : longest;
  }

  function report(now: boolean, why?: Error): void {
    if (now === up) return;
    up = now;
    if (now) onHealth(true);
    else onHealth(false, why);
  }

  function judge(error: unknown): void {
    if (isEtcdError(error, "ERR_ETCD_COMPACTED")) {
      read = "needed";
      return;
    }
    if (error instanceof HistoryReplacedError) {
      read = "needed-restored";
      return;
    }
    unanswered = error instanceof ProgressUnansweredError ? unanswered + 1 : 0;
    failures += 1;
    const why = error instanceof Error ? error : new Error(String(error));
    if (failures >= FAILURES_TO_REPORT || error instanceof WatchStalledError) report(false, why);
    if (!isEtcdError(error, "ERR_ETCD_AUTH")) return;
    refusedSince ??= clock.now();
    if (clock.now() - refusedSince >= AUTH_PATIENCE_MS) throw error;
  }

  for (;;) {
    try {
      return await followOnce();
    } catch (error) {
      signal.throwIfAborted();
      judge(error);
    }
    const backoffMs = Math.min(SHORTEST_BACKOFF_MS * 2 ** Math.max(failures - 1, 0), LONGEST_BACKOFF_MS);
    await clock.sleep(backoffMs, { signal });
  }
}
