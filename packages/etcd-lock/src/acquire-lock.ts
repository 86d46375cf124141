import { type Clock, systemClock } from "@msdha/clock";
import { type EtcdApi, isEtcdError } from "@msdha/etcd-client";
import { acquireLease, type Nonce } from "@msdha/etcd-lease";
import { competeOnLease } from "./compete.ts";
import { defaultName } from "./default-name.ts";
import type { Lock } from "./lock.ts";
import type { LockHolder } from "./lock-holder.ts";
import { lockKeys } from "./lock-keys.ts";
import { observeRevisions } from "./observe-revisions.ts";

export interface LockOptions {
  /** How long the holder may be cut off from etcd before it counts as lost, in whole seconds, from 1 on. */
  readonly ttlSeconds: number;
  /** The holder's name, which `observe` yields. Default: host name and process id. */
  readonly name?: string;
  /** Ends the attempt; aborts the lock's own signal later on. */
  readonly signal?: AbortSignal | undefined;
  /** Default: `systemClock`. */
  readonly clock?: Clock;
  /** See `acquireLease`. */
  readonly nonce?: Nonce | undefined;
}

const AGAIN_MS = 1_000;

/**
 * Waits for the lock, takes it, and waits until the former holder is gone: 2 TTLs, or not at all after a hand-over.
 * Outlives restarts of etcd on the way. Rejects with the reason of `signal`, at once with what etcd refuses, and with an
 * `EtcdUnavailableError` if etcd could not be reached from the beginning.
 *
 * It is not promised that waiters get the lock in the order in which they came.
 */
export async function acquireLock(etcd: EtcdApi, name: string, options: LockOptions): Promise<Lock> {
  const { clock = systemClock, signal } = options;
  for (;;) {
    let began = false;
    try {
      const lock = await compete(etcd, name, options, {
        onLease: () => {
          began = true;
        },
      });
      if (lock) return lock;
    } catch (error) {
      signal?.throwIfAborted();
      if (!began || !isPassing(error)) throw error;
    }
    await clock.sleep(AGAIN_MS, signal ? { signal } : {});
  }
}

/**
 * Tries once. Resolves with undefined at once if another holder has the lock; a lock that was free is ours only when it
 * has settled, which takes 2 TTLs unless there was a hand-over. Rejects as `acquireLock`, and when the lease is lost.
 */
export async function tryLock(etcd: EtcdApi, name: string, options: LockOptions): Promise<Lock | undefined> {
  return await compete(etcd, name, options, { once: true });
}

async function compete(
  api: EtcdApi,
  lockName: string,
  { name = defaultName(), clock = systemClock, signal, ttlSeconds, nonce }: LockOptions,
  { once = false, onLease = () => {} }: { readonly once?: boolean; readonly onLease?: () => void },
): Promise<Lock | undefined> {
  const keys = lockKeys(lockName);
  const { etcd, observed } = observeRevisions(api, { clock });
  const lease = await acquireLease(etcd, {
    ttlSeconds,
    clock,
    signal,
    probeKey: keys.lock,
    ...(nonce && { nonce }),
  });
  onLease();
  const holder: LockHolder = {
    etcd,
    keys,
    name,
    ttlSeconds,
    clock,
    lease,
    observed,
    signal,
    prove: (lock) => lease.prove({ ...lock, written: keys.proof(lease.id) }),
    withdraw: () => lease.prove(undefined),
    letGo: async () => await lease.release(),
  };
  return await competeOnLease(holder, { once });
}

/** Whether a new attempt may succeed: the lease or the lock was lost on the way, or etcd was away. */
function isPassing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ERR_LEASE_LOST" || code === "ERR_LOCK_LOST" || isEtcdError(error, "ERR_ETCD_UNAVAILABLE");
}
