import { type Clock, systemClock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { acquireLease, type Lease, type Nonce, type OwnLock, timing } from "@msdha/etcd-lease";
import { competeOnLease } from "./compete.ts";
import { defaultName } from "./default-name.ts";
import { giveBackLock } from "./give-back-lock.ts";
import type { Lock } from "./lock.ts";
import type { LockHolder } from "./lock-holder.ts";
import { type LockKeys, lockKeys } from "./lock-keys.ts";
import { observeRevisions } from "./observe-revisions.ts";

export interface SessionOptions {
  /** How long the holder may be cut off from etcd before it counts as lost, in whole seconds, from 1 on. */
  readonly ttlSeconds: number;
  /** The holder's name, which `observe` yields. Default: host name and process id. */
  readonly name?: string;
  /** Ends the attempt to open the session, and what is tried in it; aborts the signals of its locks. */
  readonly signal?: AbortSignal | undefined;
  /** Default: `systemClock`. */
  readonly clock?: Clock;
  /** See `acquireLease`. */
  readonly nonce?: Nonce | undefined;
}

/** Locks on one lease: one renewal and one proof for all of them, however many there are. */
export interface Session extends AsyncDisposable {
  /** Aborts when the lease is lost, or may be: all locks are lost then. Open another session. */
  readonly lost: AbortSignal;
  /** By when everything that is done under any of the locks must have ended, in ms on the clock. */
  readonly deadline: number;
  /**
   * Waits for a lock, as `acquireLock` does, but not beyond the session: rejects when that is lost. Throws for a lock that
   * this session has already, or waits for.
   */
  acquire(name: string, options?: { readonly signal?: AbortSignal }): Promise<Lock>;
  /** Tries once: see `tryLock`. */
  tryAcquire(name: string, options?: { readonly signal?: AbortSignal }): Promise<Lock | undefined>;
  /**
   * Gives all locks up, and revokes the lease: the next holder of each waits for 2 TTLs. Aborts the signals of its locks, and ends what
   * waits for one. Never rejects.
   */
  release(): Promise<void>;
}

/**
 * Opens a session for locks below `prefix`: a lock `NAME` of it is the lock `PREFIX/NAME` of `acquireLock`. Rejects with
 * an `EtcdUnavailableError`, with what etcd refuses, or with the reason of `signal`.
 *
 * The locks are proven by one write, so they are lost together: also when somebody deletes one of them by hand.
 */
export async function openSession(
  api: EtcdApi,
  prefix: string,
  { ttlSeconds, name = defaultName(), signal, clock = systemClock, nonce }: SessionOptions,
): Promise<Session> {
  const folder = prefix.replace(/\/+$/, "");
  const { etcd, observed } = observeRevisions(api, { clock });
  const lease = await acquireLease(etcd, {
    ttlSeconds,
    clock,
    signal,
    probeKey: `${folder}/_session/`,
    ...(nonce && { nonce }),
  });
  const { prove, withdraw } = createProofs(lease, `${folder}/_session/${lease.id}`);
  const inUse = new Set<string>();
  const held = new Map<string, Lock>();
  const over = new AbortController();

  async function giveUp(lock: OwnLock, keys: LockKeys): Promise<void> {
    if (lease.lost.aborted) return;
    withdraw(lock);
    const options = { lease, clock, handover: undefined };
    await giveBackLock(etcd, keys, { token: lock.createRevision }, options).catch(() => {});
  }

  async function compete(lockName: string, once: boolean, stop?: AbortSignal): Promise<Lock | undefined> {
    lease.throwIfLost();
    const keys = lockKeys(`${folder}/${lockName}`);
    if (inUse.has(lockName))
      throw new Error(`this session already has the lock ${lockName}, or waits for it`);
    inUse.add(lockName);
    const signals = [signal, stop, over.signal].filter((each) => each !== undefined);
    const holder: LockHolder = {
      etcd,
      keys,
      name,
      ttlSeconds,
      clock,
      lease,
      observed,
      signal: AbortSignal.any(signals),
      prove,
      withdraw,
      async letGo(lock) {
        if (lock && !over.signal.aborted) await giveUp(lock, keys);
        inUse.delete(lockName);
        held.delete(lockName);
      },
    };
    const lock = await competeOnLease(holder, { once });
    if (lock) held.set(lockName, lock);
    return lock;
  }

  /** The lease takes the locks with it. What waits for one ends, and what follows one. */
  async function release(): Promise<void> {
    over.abort(new Error("the session was released"));
    await lease.release();
    for (const lock of held.values()) await lock.release();
  }

  return {
    get lost() {
      return lease.lost;
    },
    get deadline() {
      return lease.seen + timing.goneAfterTtls * lease.ttlMs;
    },
    async acquire(lockName, { signal: stop } = {}) {
      const lock = await compete(lockName, false, stop);
      if (!lock) throw new Error("unreachable: only a single try can fail");
      return lock;
    },
    tryAcquire: async (lockName, { signal: stop } = {}) => await compete(lockName, true, stop),
    release,
    [Symbol.asyncDispose]: release,
  };
}

/** Has a lease prove several locks by one write, which always is of the same key. */
function createProofs(lease: Lease, written: string) {
  let locks: readonly OwnLock[] = [];

  function change(next: readonly OwnLock[]): void {
    locks = next;
    const [first, ...also] = locks;
    lease.prove(first && { ...first, written, also });
  }

  return {
    prove: (lock: OwnLock): void => change([...locks, lock]),
    withdraw: (lock: OwnLock): void => change(locks.filter(({ key }) => key !== lock.key)),
  };
}
