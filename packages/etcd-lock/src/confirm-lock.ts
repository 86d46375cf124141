import type { EtcdApi } from "@msdha/etcd-client";
import { LockLostError } from "./errors.ts";
import type { HeldLock, HolderOptions } from "./held-lock.ts";
import type { LockKeys } from "./lock-keys.ts";
import { retryWhileLeased } from "./retry-while-leased.ts";

/**
 * Resolves when a fresh answer of etcd shows that the lock is still ours: for directly before something that must not
 * be done late, on a machine that may have stood still since the last answer. Rejects with a `LockLostError` when it
 * is not ours, with the lease's reason when that is lost first, or with the reason of `signal`.
 */
export async function confirmLock(
  etcd: EtcdApi,
  keys: Pick<LockKeys, "lock">,
  { token }: Pick<HeldLock, "token">,
  { lease, clock, signal }: HolderOptions,
): Promise<void> {
  const { kvs } = await retryWhileLeased(lease, { clock, signal }, (call) =>
    etcd.range({ key: keys.lock }, call),
  );
  const [held] = kvs;
  if (held?.createRevision !== token || held.lease !== lease.id) throw new LockLostError(token);
}
