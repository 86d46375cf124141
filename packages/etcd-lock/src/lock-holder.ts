import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import type { Lease, OwnLock } from "@msdha/etcd-lease";
import type { NamedLockKeys } from "./lock-keys.ts";
import type { ObservedRevisions } from "./observe-revisions.ts";

/** Someone who competes for one lock, on a lease that may have others. */
export interface LockHolder {
  readonly etcd: EtcdApi;
  readonly keys: NamedLockKeys;
  readonly name: string;
  readonly ttlSeconds: number;
  readonly clock: Clock;
  readonly lease: Lease;
  readonly observed: ObservedRevisions;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
  /** Has the lease prove the lock from now on. */
  prove(lock: OwnLock): void;
  /** Has the lease prove it no more, directly before it is given back. */
  withdraw(lock: OwnLock): void;
  /** Lets go of what is left: of the lock, where it was taken and not given back. Never rejects. */
  letGo(lock: OwnLock | undefined): Promise<void>;
}
