import type { Clock } from "@msdha/clock";
import type { LeaseId } from "@msdha/etcd-client";
import type { HandoverNote } from "./handover-note.ts";
import type { Membership } from "./membership.ts";
import type { Via } from "./node-state.ts";

/** The master lock, as its holder knows it. */
export interface MasterLock {
  /** The lock's create revision: the fencing token. It is larger than every former one. */
  readonly token: number;
  /** The lease that it is on: the holder's. */
  readonly lease: LeaseId;
  readonly via: Via;
  /** The round of the election that was opened with the taking, if one was. */
  readonly round?: number | undefined;
  /** The hand-over that was consumed, where it is known. */
  readonly handover?: HandoverNote | undefined;
  /** When the answer was received that gave us the lock. */
  readonly waitFrom: number;
  /** How long to wait before `master` may be published (see `awaitTurn`): 0 after a clean hand-over. */
  readonly waitMs: number;
}

/** What every change of the lock needs. */
export interface LockOptions {
  readonly membership: Membership;
  readonly ttlSeconds: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}
