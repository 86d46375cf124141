import type { Clock } from "@msdha/clock";
import type { HeldLock } from "./held-lock.ts";
import type { LockHistory } from "./lock-history.ts";
import type { ObservedRevisions } from "./observe-revisions.ts";

/** Follows a lock by a watch. */
export interface LockFollower<View extends object = object> {
  /** Another one after each batch of the watch. */
  readonly view: View;
  readonly lockHistory: LockHistory;
  /** Resolves when the view is another one than `since`, or after `timeoutMs`. Rejects with the reason of `signal`. */
  changed(options: {
    readonly since: View;
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
  }): Promise<void>;
}

/**
 * Resolves when the holder may use the lock, because nothing that a former holder did with it can be going on
 * any more: at once after a clean hand-over, else after the lock's `waitMs`. The wait counts from the first answer that
 * showed the lock free, if no step of the lock can have been missed since; else from the answer that gave us the lock.
 * In both cases the former holder's last proof is older. Steps may have been missed if an answer (`observed`) has shown
 * since then that etcd was restored. Rejects with the reason of `signal`.
 */
export async function settle<View extends object>(
  follower: LockFollower<View>,
  lock: HeldLock,
  {
    clock,
    signal,
    observed,
  }: {
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly observed?: ObservedRevisions | undefined;
  },
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const { view } = follower;
    const leftMs = turnAt(follower, lock, observed) - clock.now();
    if (leftMs <= 0) return;
    await follower.changed({ since: view, timeoutMs: leftMs, signal });
  }
}

function turnAt(
  { lockHistory: { lastTake } }: Pick<LockFollower, "lockHistory">,
  { token, lease, waitFrom, waitMs }: HeldLock,
  observed: ObservedRevisions | undefined,
): number {
  // A restored etcd counts its revisions again: tokens can repeat, and on one lease too.
  const ours = lastTake?.token === token && lastTake.lease === lease;
  const seen = ours && lastTake.freeSince > (observed?.restoredAt ?? Number.NEGATIVE_INFINITY);
  const from = seen ? Math.min(waitFrom, lastTake.freeSince) : waitFrom;
  return from + waitMs;
}
