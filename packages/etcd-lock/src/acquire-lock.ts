import { hostname } from "node:os";
import { type Clock, systemClock } from "@msdha/clock";
import { type EtcdApi, isEtcdError } from "@msdha/etcd-client";
import { acquireLease, type Lease, type Nonce } from "@msdha/etcd-lease";
import { followNamedLock } from "./follow-lock.ts";
import { holdLock, type Lock, type LockParts } from "./lock.ts";
import { lockKeys } from "./lock-keys.ts";
import { observeRevisions } from "./observe-revisions.ts";
import { settle } from "./settle.ts";
import { type TakenLock, takeLock } from "./take-lock.ts";

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
  options: LockOptions,
  { once = false, onLease = () => {} }: { readonly once?: boolean; readonly onLease?: () => void },
): Promise<Lock | undefined> {
  const { name = `${hostname()}/${process.pid}`, clock = systemClock, signal, ttlSeconds, nonce } = options;
  const keys = lockKeys(lockName);
  const { etcd, observed } = observeRevisions(api, { clock });
  const lease = await leaseFor(etcd, keys.lock, { ttlSeconds, clock, nonce, signal });
  onLease();
  const following = new AbortController();
  const follower = followNamedLock(etcd, keys, { clock, signal: following.signal });
  follower.listen((view) => observed.note(view.revision));
  const close = async (): Promise<void> => {
    following.abort(new Error("the lock was given up"));
    await lease.release();
  };
  const parts: LockParts = { etcd, keys, name, clock, lease, follower, observed, signal, close };
  const failed = new AbortController();
  follower.ended.catch((error: unknown) => failed.abort(error));
  const end = AbortSignal.any([lease.lost, failed.signal, ...(signal ? [signal] : [])]);
  try {
    const taken = await take(parts, ttlSeconds, end, once);
    if (!taken) {
      await close();
      return undefined;
    }
    lease.prove({ key: keys.lock, createRevision: taken.token, written: keys.proof(lease.id) });
    await settle(follower, taken, { clock, observed, signal: end });
    const lock = holdLock(taken, parts);
    await lock.confirm();
    return lock;
  } catch (error) {
    await close();
    throw error;
  }
}

/** The lease outlives `signal`: it ends the attempt alone. */
async function leaseFor(
  etcd: EtcdApi,
  probeKey: string,
  {
    signal,
    nonce,
    ...options
  }: Pick<LockOptions, "ttlSeconds" | "nonce" | "signal"> & { readonly clock: Clock },
): Promise<Lease> {
  const attempt = new AbortController();
  const over = new AbortController();
  signal?.throwIfAborted();
  signal?.addEventListener("abort", () => attempt.abort(signal.reason), { signal: over.signal });
  try {
    return await acquireLease(etcd, {
      ...options,
      probeKey,
      signal: attempt.signal,
      ...(nonce && { nonce }),
    });
  } finally {
    over.abort();
  }
}

/** Tries when the watch shows the lock free, and every TTL whatever it shows. */
async function take(
  { etcd, keys, name, clock, lease, follower, observed }: LockParts,
  ttlSeconds: number,
  signal: AbortSignal,
  once: boolean,
): Promise<TakenLock | undefined> {
  let tryAt = clock.now();
  for (;;) {
    const { view } = follower;
    if (!view.holder || clock.now() >= tryAt) {
      tryAt = clock.now() + lease.ttlMs;
      const known = {
        ttl: view.ttl,
        revision: view.revision,
        newestAnswer: observed.newest,
        staleHandover: Math.max(follower.staleHandover, observed.restoredTo),
        onOtherHolder: follower.doubtFreeLock,
      };
      const taken = await takeLock(etcd, keys, known, { lease, name, ttlSeconds, clock, signal });
      if (taken || once) return taken;
    }
    await follower.changed({ since: view, timeoutMs: Math.max(tryAt - clock.now(), 1), signal });
  }
}

/** Whether a new attempt may succeed: the lease or the lock was lost on the way, or etcd was away. */
function isPassing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ERR_LEASE_LOST" || code === "ERR_LOCK_LOST" || isEtcdError(error, "ERR_ETCD_UNAVAILABLE");
}
