import type { Clock } from "@msdha/clock";
import type { LeaseId } from "@msdha/etcd-client";
import type { Lease } from "@msdha/etcd-lease";
import type { TakenAfter } from "./lock-value.ts";

/** A lock, as its holder knows it. */
export interface HeldLock {
  /** The lock's create revision: the fencing token. It is larger than every former one. */
  readonly token: number;
  /** The lease that it is on: the holder's. */
  readonly lease: LeaseId;
  readonly takenAfter: TakenAfter;
  /** When the answer was received that gave us the lock. */
  readonly waitFrom: number;
  /** How long to wait before the lock may be used (see `settle`): 0 after a clean hand-over. */
  readonly waitMs: number;
}

/** What every request of a lock's holder needs. */
export interface HolderOptions {
  readonly lease: Lease;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}
