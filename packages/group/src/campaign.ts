import type { EtcdApi } from "@msdha/etcd-client";
import { type Candidacy, isFirst } from "./candidacy.ts";
import type { GroupFollower } from "./follow-group.ts";
import type { HeardRevisions } from "./hear-revisions.ts";
import type { LockOptions, MasterLock } from "./master-lock.ts";
import { type Known, takeLock } from "./take-lock.ts";

export interface CampaignOptions extends LockOptions {
  readonly signal: AbortSignal;
  /** What the answers to whatever this node asked say of etcd's revisions. */
  readonly heard?: HeardRevisions;
  /** Asked before every try while nobody holds the lock; a node that may not be master does not try. */
  readonly askCandidacy?: () => Promise<Candidacy>;
}

/** How soon a node that may not be master is asked again. */
const ASK_AGAIN_MS = 1_000;

/**
 * Competes for the master lock until it is ours. Tries when the group's watch says that nobody holds it, and every
 * TTL whatever the watch says. Rejects with the reason of `signal`, or when the lease is lost. The candidacy is what
 * it was before the lock was taken: who must be sure asks once more with the lock in hand.
 */
export async function campaign(
  etcd: EtcdApi,
  follower: GroupFollower,
  options: CampaignOptions,
): Promise<MasterLock> {
  const { clock, membership, ttlSeconds, signal, askCandidacy, heard } = options;
  let tryAt = clock.now();
  for (;;) {
    const { view } = follower;
    const free = !view.lock || view.lock.lease === membership.lease.id;
    if (free || clock.now() >= tryAt) {
      tryAt = clock.now() + ttlSeconds * 1000;
      const { may, rank } =
        !view.lock && askCandidacy ? await askCandidacy() : { may: true, rank: undefined };
      if (!may) tryAt = clock.now() + ASK_AGAIN_MS;
      else if (rank === undefined || (await isFirst(etcd, follower, rank, options))) {
        const { ttl, revision } = follower.view;
        const staleHandover = Math.max(follower.staleHandover, heard?.restoredTo ?? 0);
        const known: Known = {
          ttl,
          revision,
          staleHandover,
          heard: heard?.newest ?? 0,
          onOtherHolder: follower.doubtFreeLock,
        };
        const lock = await takeLock(etcd, view.keys, known, options);
        if (lock) return lock;
      }
    }
    await follower.changed({ since: view, timeoutMs: Math.max(tryAt - clock.now(), 1), signal });
  }
}
