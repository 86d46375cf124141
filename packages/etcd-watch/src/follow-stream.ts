import type { Clock } from "@msdha/clock";
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
 * Opens one watch stream after the replica's revision and tells what comes. Rejects with the reason why the stream
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
      if (batch) tell(batch);
    }
    throw new EtcdUnavailableError("the watch stream ended");
  }

  async function supervise(stream: WatchStream): Promise<never> {
    await Promise.race([opened.promise, pause()]);
    if (heard.messages === 0) throw new WatchStalledError(`no watch opened within ${progressIntervalMs} ms`);
    // Some versions of etcd don't answer a request for progress that comes before the new watch has caught up.
    let quiet = await spendInterval(stream, { progress: false, whole: false });
    for (;;) quiet = await spendInterval(stream, { progress: true, whole: quiet && !verified });
  }

  /** Lets one interval go by and judges what came in it; returns whether it brought no events. */
  async function spendInterval(stream: WatchStream, ask: Asked): Promise<boolean> {
    const { messages } = heard;
    const told = replica.revision;
    if (ask.progress) stream.requestProgress();
    let read: RangeResult | undefined;
    readByQuorum(ask.whole).then(
      (answer) => {
        read = answer;
        const refuted = replica.revision === told ? replica.isRefutedBy(answer) : answer.revision < told;
        if (refuted) over.abort(new HistoryReplacedError("etcd was restored to an older state"));
        else if (ask.progress && heard.revision < answer.revision) stream.requestProgress();
      },
      () => {}, // The stream itself says when etcd can't be reached.
    );
    await pause();
    const quiet = replica.revision === told;
    if (!ask.progress) return quiet;
    if (heard.messages === messages)
      throw new WatchStalledError(`no sign of life for ${progressIntervalMs} ms`);
    if (quiet && read && heard.revision < read.revision) {
      throw new WatchStalledError(
        `the member is at revision ${heard.revision}, a quorum at ${read.revision}`,
      );
    }
    if (quiet && read && ask.whole) {
      if (!replica.isSame(read)) throw new HistoryReplacedError("etcd's state is not what it told");
      verified = true;
    }
    return quiet;
  }

  function readByQuorum(whole: boolean): Promise<RangeResult> {
    return etcd.range(
      { key: prefix, prefix: whole },
      { timeoutMs: progressIntervalMs / 2, signal: over.signal },
    );
  }

  function pause(): Promise<void> {
    return clock.sleep(progressIntervalMs, { signal: over.signal });
  }

  signal.throwIfAborted();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const request = { key: prefix, prefix: true, startRevision: replica.revision + 1 };
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

interface Asked {
  readonly progress: boolean;
  /** Read the whole prefix, to compare it with what was told. */
  readonly whole: boolean;
}
