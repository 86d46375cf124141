import type { EtcdApi } from "@msdha/etcd-client";
import type { GroupFollower } from "./follow-group.ts";
import { type LockOptions, type MasterLock, takeLock } from "./master-lock.ts";

/**
 * Competes for the master lock until it is ours. Tries when the group's watch says that nobody holds it, and every
 * TTL whatever the watch says. Rejects with the reason of `signal`, or when the lease is lost.
 */
export async function campaign(
  etcd: EtcdApi,
  follower: GroupFollower,
  options: LockOptions & { readonly signal: AbortSignal },
): Promise<MasterLock> {
  const { clock, membership, ttlSeconds, signal } = options;
  let tryAt = clock.now();
  for (;;) {
    const { view, staleHandover } = follower;
    if (!view.lock || view.lock.lease === membership.lease.id || clock.now() >= tryAt) {
      tryAt = clock.now() + ttlSeconds * 1000;
      const known = { ttl: view.ttl, revision: view.revision, staleHandover };
      const lock = await takeLock(etcd, view.keys, known, options);
      if (lock) return lock;
    }
    await follower.changed({ since: view, timeoutMs: Math.max(tryAt - clock.now(), 1), signal });
  }
}
