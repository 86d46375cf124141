import type { EtcdApi, KeyValue } from "@msdha/etcd-client";
import type { WatchBatch } from "./batch.ts";
import { type ChangeFeed, createChangeFeed, type StateChange } from "./change-feed.ts";
import { watchPrefix } from "./watch-prefix.ts";
import type { WatchOptions } from "./watch-range.ts";

export interface FollowPrefixOptions<T> extends Omit<WatchOptions, "maxBufferedEvents"> {
  /** Returns what the map holds for a key; default: the key as etcd has it. Keys for which it throws are left out. */
  readonly decode?: (kv: KeyValue) => T;
  /** Called with what `decode` threw. Must not throw. Default: ignores it. */
  readonly onInvalid?: (error: unknown, kv: KeyValue) => void;
}

/** A prefix as a map that follows etcd. */
export interface FollowedPrefix<T> extends AsyncDisposable {
  /** By key, in no particular order. It changes under the reader, between two turns of the event loop only. */
  readonly state: ReadonlyMap<string, T>;
  /** The revision that `state` shows. Never goes back, but for a restore of etcd. */
  readonly revision: number;
  /**
   * Yields which keys have changed since the call, or since the last change that it yielded: a slow consumer skips
   * states, and never the newest one. Ends when the loop is left, or with the reason of `ended`. May be called several
   * times.
   */
  changes(): AsyncGenerator<StateChange, never, void>;
  /** Aborts when following has ended: with the reason of `signal`, with an `EtcdAuthError`, or when it is disposed of. */
  readonly ended: AbortSignal;
}

/**
 * Reads a prefix into a map and keeps the map up to date until it is disposed of, `signal` aborts, or etcd refuses the
 * user for 10 s. Resolves when the first state has been read; rejects with what ends it before.
 *
 * Not promised: that the map shows what etcd holds now. When etcd can't be reached it stays as it is (`onHealth`).
 */
export async function followPrefix<T = KeyValue>(
  etcd: EtcdApi,
  prefix: string,
  { decode = asItIs, onInvalid = () => {}, signal, ...watch }: FollowPrefixOptions<T> = {},
): Promise<FollowedPrefix<T>> {
  const state = new Map<string, T>();
  const feeds = new Set<ChangeFeed>();
  const disposal = new AbortController();
  const ended = new AbortController();
  const stop = signal ? AbortSignal.any([signal, disposal.signal]) : disposal.signal;
  const batches = watchPrefix(etcd, prefix, { ...watch, signal: stop });
  let revision = 0;

  function put(kv: KeyValue): void {
    try {
      state.set(kv.key, decode(kv));
    } catch (error) {
      state.delete(kv.key);
      onInvalid(error, kv);
    }
  }

  function apply(batch: WatchBatch): void {
    revision = batch.revision;
    if (batch.type === "snapshot") {
      for (const kv of batch.kvs) put(kv);
      return;
    }
    for (const { type, kv } of batch.events) {
      if (type === "PUT") put(kv);
      else state.delete(kv.key);
    }
    const keys = batch.events.map(({ kv }) => kv.key);
    for (const feed of feeds) feed.add({ revision, keys, restored: batch.restored });
  }

  async function follow(): Promise<void> {
    try {
      for await (const batch of batches) apply(batch);
    } catch (error) {
      ended.abort(error);
      for (const feed of feeds) feed.end(error);
    }
  }

  const first = await batches.next();
  apply(first.value);
  const following = follow();

  return {
    state,
    get revision() {
      return revision;
    },
    ended: ended.signal,
    async *changes() {
      ended.signal.throwIfAborted();
      const feed = createChangeFeed();
      feeds.add(feed);
      try {
        for (;;) yield await feed.take();
      } finally {
        feeds.delete(feed);
      }
    },
    async [Symbol.asyncDispose]() {
      disposal.abort(new Error("the prefix is not followed any more"));
      await following;
    },
  };
}

/** The default of `decode`, whose type says so: without a `decode`, T is `KeyValue`. */
function asItIs<T>(kv: KeyValue): T {
  return kv as T;
}
