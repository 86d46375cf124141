import { type Clock, TimeoutError, withTimeout } from "@msdha/clock";
import { type EtcdApi, EtcdUnavailableError, type RangeResult, type WatchStream } from "@msdha/etcd-client";
import type { WatchBatch } from "./batch.ts";
import { HistoryReplacedError, WatchStalledError } from "./errors.ts";
import type { Replica } from "./replica.ts";

export interface FollowStreamOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progressIntervalMs: number;
  /** Another stream has been followed before, since the last fresh read: etcd may have been restored meanwhile. */
  readonly resumed: boolean;
  readonly tell: (batch: WatchBatch) => void;
  /** Told of the first message. */
  readonly onOpen: () => void;
}

/**
 * Opens one watch stream at the replica's revision and tells what comes after it. Rejects with the reason why the stream
 * can't be followed any more; it and everything around it has ended then.
 */
export async function followStream(
  etcd: EtcdApi,
  prefix: string,
  replica: Replica,
  options: FollowStreamOptions,
): Promise<never> {
  const { clock, signal, progressIntervalMs, resumed, tell, onOpen } = options;
  const over = new AbortController();
  const onAbort = (): void => over.abort(signal.reason);
  const opened = Promise.withResolvers<void>();
  const heard = { messages: 0, revision: 0 };
  let verified = !resumed;
  let toldAny = false;

  async function listen(stream: WatchStream): Promise<never> {
    for await (const { events, revision } of stream) {
      over.signal.throwIfAborted();
      heard.messages += 1;
      heard.revision = Math.max(heard.revision, revision);
      if (heard.messages === 1) {
        opened.resolve();
        onOpen();
      }
      const batch = replica.apply(events);
      if (!batch) continue;
      tell({ ...batch, resumed: resumed && !toldAny });
      toldAny = true;
    }
    throw new EtcdUnavailableError("the watch stream ended");
  }

  async function supervise(stream: WatchStream): Promise<never> {
    await withTimeout(clock, progressIntervalMs, () => opened.promise, { signal: over.signal }).catch(
      (error) => {
        throw error instanceof TimeoutError
          ? new WatchStalledError(`no watch opened within ${progressIntervalMs} ms`)
          : error;
      },
    );
    // Some versions of etcd don't answer a request for progress that comes before the new watch has caught up.
    let last = await spendInterval({ whole: false });
    let differed = false;
    for (;;) {
      const { messages } = heard;
      const whole = last.quiet && !verified;
      stream.requestProgress();
      const { quiet, read } = await spendInterval({ whole });
      if (heard.messages === messages)
        throw new WatchStalledError(`no sign of life for ${progressIntervalMs} ms`);
      const due = last.read?.revision ?? 0;
      if (quiet && heard.revision < due)
        throw new WatchStalledError(`the member is at ${heard.revision}, a quorum was at ${due}`);
      if (whole && quiet && read) {
        verified = replica.isSame(read);
        if (differed && !verified) throw new HistoryReplacedError("etcd's state is not what it told");
      }
      differed = whole && quiet && !verified;
      last = { quiet, read };
    }
  }

  /** Lets one interval go by, with a read beside it. `quiet`: it brought no events. */
  async function spendInterval({ whole }: { readonly whole: boolean }): Promise<Interval> {
    const told = replica.revision;
    let read: RangeResult | undefined;
    readByQuorum(whole).then(
      (answer) => {
        read = answer;
        const refuted = replica.revision === told ? replica.isRefutedBy(answer) : answer.revision < told;
        if (refuted) over.abort(new HistoryReplacedError("etcd was restored to an older state"));
      },
      () => {}, // The stream itself says when etcd can't be reached.
    );
    await clock.sleep(progressIntervalMs, { signal: over.signal });
    return { quiet: replica.revision === told, read };
  }

  function readByQuorum(whole: boolean): Promise<RangeResult> {
    return etcd.range(
      { key: prefix, prefix: whole },
      { timeoutMs: progressIntervalMs / 2, signal: over.signal },
    );
  }

  signal.throwIfAborted();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    // From what was told last on, though that is known: a compaction at the revision after it would forget its
    // deletions without a word (etcd issue 18089), where one beyond the first revision asked for ends the watch.
    const request = { key: prefix, prefix: true, startRevision: replica.revision };
    const stream = etcd.watch(request, { signal: over.signal });
    return await Promise.race([listen(stream), supervise(stream)]);
  } catch (error) {
    // The client is told why the stream is left: one that stalled puts its member in doubt.
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
