import { type Clock, systemClock } from "@msdha/clock";
import { type EtcdApi, isEtcdError } from "@msdha/etcd-client";
import { acquireLock, type LockOptions } from "./acquire-lock.ts";
import { followNamedLock, type Holder } from "./follow-lock.ts";
import type { Lock } from "./lock.ts";
import { lockKeys } from "./lock-keys.ts";

const AGAIN_MS = 1_000;

/**
 * Yields the lock each time that it is ours: again after each loss, and after each turn of the loop. What the loop's body
 * began must have ended when the next turn is asked for: the lock is handed over then. Leaving the loop (`break`, an
 * error) gives the lock up, and the next holder waits; hand it over before a `break`. Ends when `signal` aborts. Outlives
 * outages of etcd once it had the lock. Rejects as `acquireLock`.
 */
export async function* campaign(
  etcd: EtcdApi,
  name: string,
  options: LockOptions,
): AsyncGenerator<Lock, void, undefined> {
  const { clock = systemClock, signal } = options;
  for (let had = false; !signal?.aborted; ) {
    const lock = await acquireLock(etcd, name, options).catch((error: unknown) => {
      if (signal?.aborted) return undefined;
      if (had && isEtcdError(error, "ERR_ETCD_UNAVAILABLE")) return undefined;
      throw error;
    });
    if (!lock) {
      await pause(clock, signal);
      continue;
    }
    had = true;
    try {
      yield lock;
      await lock.handOver();
    } finally {
      await lock.release();
    }
  }
}

async function pause(clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  await clock.sleep(AGAIN_MS, signal ? { signal } : {}).catch(() => {});
}

/**
 * Yields the lock's holder, at once and at each change; undefined while there is none. It is late by the watch, and a holder
 * may still be waiting for the former one. Ends when `signal` aborts; rejects when etcd refuses.
 */
export async function* observe(
  etcd: EtcdApi,
  name: string,
  { clock = systemClock, signal }: { readonly clock?: Clock; readonly signal: AbortSignal },
): AsyncGenerator<Holder | undefined, void, undefined> {
  const over = new AbortController();
  const follower = followNamedLock(etcd, lockKeys(name), {
    clock,
    signal: AbortSignal.any([signal, over.signal]),
  });
  const failed = new AbortController();
  follower.ended.catch((error: unknown) => failed.abort(error));
  const end = AbortSignal.any([signal, failed.signal]);
  let shown: Holder | undefined;
  try {
    for (let first = true; ; ) {
      const { view } = follower;
      const { holder } = view;
      if (view.revision > 0 && (first || holder?.token !== shown?.token)) {
        first = false;
        shown = holder;
        yield holder && { name: holder.name, token: holder.token };
      }
      // Not raced against `ended`, which lasts: it would retain each of these promises.
      await follower.changed({ since: view, signal: end });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    over.abort();
  }
}
