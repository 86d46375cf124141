import type { Clock } from "@msdha/clock";
import type { GroupFollower } from "./follow-group.ts";
import type { HeardRevisions } from "./hear-revisions.ts";
import type { MasterLock } from "./master-lock.ts";

/**
 * Resolves when the holder of the lock may publish `master`, because nothing that a former master started can be alive
 * any more: at once after a clean hand-over, else after the lock's `waitMs`. The wait counts from the first answer that
 * showed the lock free, if no step of the lock can have been missed since; else from the answer that gave us the lock.
 * In both cases the former holder's last proof is older. Steps may have been missed if an answer (`heard`) has shown
 * since then that etcd was restored. Rejects with the reason of `signal`.
 */
export async function awaitTurn(
  follower: GroupFollower,
  lock: MasterLock,
  {
    clock,
    signal,
    heard,
  }: { readonly clock: Clock; readonly signal: AbortSignal; readonly heard?: HeardRevisions },
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const { view } = follower;
    const leftMs = turnAt(follower, lock, heard) - clock.now();
    if (leftMs <= 0) return;
    await follower.changed({ since: view, timeoutMs: leftMs, signal });
  }
}

function turnAt(
  { lockHistory: { lastTake } }: GroupFollower,
  { token, lease, waitFrom, waitMs }: MasterLock,
  heard: HeardRevisions | undefined,
): number {
  // A restored etcd counts its revisions again: tokens can repeat, and on one lease too.
  const ours = lastTake?.token === token && lastTake.lease === lease;
  const seen = ours && lastTake.freeSince > (heard?.restoredAt ?? Number.NEGATIVE_INFINITY);
  const from = seen ? Math.min(waitFrom, lastTake.freeSince) : waitFrom;
  return from + waitMs;
}
