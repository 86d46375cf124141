import type { Compare } from "@msdha/etcd-client";
import { type OwnLock, timing } from "@msdha/etcd-lease";
import { confirmLock } from "./confirm-lock.ts";
import { LockLostError } from "./errors.ts";
import type { FollowedLock } from "./follow-lock.ts";
import { giveBackLock } from "./give-back-lock.ts";
import { prepareHandover } from "./handover-lease.ts";
import type { HeldLock } from "./held-lock.ts";
import type { LockHolder } from "./lock-holder.ts";

/** A lock that is ours. */
export interface Lock extends AsyncDisposable {
  /** The fencing token: larger than every former one. Hand it to whatever can compare it. */
  readonly token: number;
  /**
   * Aborts when the lock is lost, or may be: at once when etcd says so, and one TTL after the last proof was sent
   * otherwise. End whatever you do under the lock then, before `deadline`. It aborts with the caller's `signal`, too.
   */
  readonly signal: AbortSignal;
  /** By when everything that you do under the lock must have ended, in ms on the clock: each proof puts it off. */
  readonly deadline: number;
  /** For your own transactions in the same etcd: compares that hold only while the lock is ours. */
  readonly compares: readonly Compare[];
  /** Resolves when a quorum confirms the lock, with no answer of before. Rejects with why it is lost, or may be. */
  confirm(): Promise<void>;
  /**
   * Gives the lock back and lets the next holder begin without a wait. Only when everything that you did under the lock
   * has ended. Resolves with whether that was done; if not, the next holder waits for 2 TTLs.
   */
  handOver(): Promise<boolean>;
  /** Gives the lock up: the next holder waits for 2 TTLs. Disposing does the same. Never rejects. */
  release(): Promise<void>;
}

/** What a lock that was taken is held with. */
export interface LockParts
  extends Pick<
    LockHolder,
    "etcd" | "keys" | "name" | "clock" | "lease" | "observed" | "signal" | "withdraw"
  > {
  readonly own: OwnLock;
  readonly follower: FollowedLock;
  /** Follows the lock no more, and lets go of what is left: the lock, unless it was given back. */
  close(left: OwnLock | undefined): Promise<void>;
}

/** Makes a lock of one that was taken and has settled. Keeps looking for its loss. */
export function holdLock({ token }: HeldLock, parts: LockParts): Lock {
  const { etcd, keys, name, clock, lease, follower, observed, own, withdraw, close } = parts;
  const lost = new AbortController();
  const signal = parts.signal ? AbortSignal.any([lost.signal, parts.signal]) : lost.signal;
  let givenUp = false;

  function lose(reason: unknown): void {
    if (!givenUp) lost.abort(reason);
  }

  const loseWithLease = (): void => lose(lease.lost.reason);
  if (lease.lost.aborted) loseWithLease();
  else lease.lost.addEventListener("abort", loseWithLease, { once: true });
  follower.listen(({ revision, holder }, restored) => {
    const ours = holder?.token === token && holder.lease === lease.id;
    if (!ours && (restored || revision >= token)) lose(new LockLostError(token));
  });
  const ignoreRestores = observed.listen((restoredTo) => {
    if (token > restoredTo) lose(new LockLostError(token));
  });
  follower.ended.catch(lose);

  const deadline = (): number => lease.seen + timing.goneAfterTtls * lease.ttlMs;

  /** The lease may outlive the lock, and hold others. */
  async function end(left: OwnLock | undefined): Promise<void> {
    lease.lost.removeEventListener("abort", loseWithLease);
    ignoreRestores();
    await close(left);
  }

  async function release(): Promise<void> {
    if (givenUp) return;
    givenUp = true;
    await end(own);
  }

  return {
    token,
    signal,
    get deadline() {
      return deadline();
    },
    compares: [
      { key: keys.lock, target: "create", is: "=", value: token },
      { key: keys.lock, target: "lease", is: "=", value: lease.id },
    ],
    async confirm() {
      lost.signal.throwIfAborted();
      await confirmLock(etcd, keys, { token }, { lease, clock, signal });
    },
    async handOver() {
      if (givenUp || lost.signal.aborted || clock.now() >= deadline()) {
        await release();
        return false;
      }
      givenUp = true;
      let left: OwnLock | undefined = own;
      try {
        const handover = { lease: await prepareHandover(etcd, { lease, clock }), note: note(name, token) };
        withdraw(own);
        const ours = await giveBackLock(etcd, keys, { token }, { lease, clock, handover });
        left = undefined;
        return ours;
      } catch {
        return false;
      } finally {
        await end(left);
      }
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}

function note(node: string, token: number): string {
  return JSON.stringify({ node, token });
}
