import type { OwnLock } from "@msdha/etcd-lease";
import { type FollowedLock, followNamedLock } from "./follow-lock.ts";
import { holdLock, type Lock } from "./lock.ts";
import type { LockHolder } from "./lock-holder.ts";
import { settle } from "./settle.ts";
import { type TakenLock, takeLock } from "./take-lock.ts";

/**
 * Waits for the lock, takes it, and waits until the former holder is gone. With `once` it tries once, and resolves with
 * undefined if another holder has it. Rejects when the lease is lost, with the reason of the signal, and with what etcd
 * refuses; nothing is held then.
 */
export async function competeOnLease(
  holder: LockHolder,
  { once }: { readonly once: boolean },
): Promise<Lock | undefined> {
  const { etcd, keys, clock, lease, observed, signal, prove, letGo } = holder;
  const following = new AbortController();
  const follower = followNamedLock(etcd, keys, { clock, signal: following.signal });
  follower.listen((view) => observed.note(view.revision));
  const failed = new AbortController();
  follower.ended.catch((error: unknown) => failed.abort(error));
  const end = AbortSignal.any([lease.lost, failed.signal, ...(signal ? [signal] : [])]);
  let own: OwnLock | undefined;
  const close = async (left: OwnLock | undefined): Promise<void> => {
    following.abort(new Error("the lock was given up"));
    await letGo(left);
  };
  try {
    const taken = await take(holder, follower, { signal: end, once });
    if (!taken) {
      await close(undefined);
      return undefined;
    }
    own = { key: keys.lock, createRevision: taken.token };
    prove(own);
    await settle(follower, taken, { clock, observed, signal: end });
    const lock = holdLock(taken, { ...holder, own, follower, close });
    await lock.confirm();
    return lock;
  } catch (error) {
    await close(own);
    throw error;
  }
}

/** Tries when the watch shows the lock free, and every TTL whatever it shows. */
async function take(
  { etcd, keys, name, clock, lease, observed, ttlSeconds }: LockHolder,
  follower: FollowedLock,
  { signal, once }: { readonly signal: AbortSignal; readonly once: boolean },
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
        restoredTo: observed.restoredTo,
        handovers: follower.handovers,
        onOtherHolder: follower.doubtFreeLock,
      };
      const taken = await takeLock(etcd, keys, known, { lease, name, ttlSeconds, clock, signal });
      if (taken || once) return taken;
    }
    await follower.changed({ since: view, timeoutMs: Math.max(tryAt - clock.now(), 1), signal });
  }
}
