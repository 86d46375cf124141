import type { Clock } from "@msdha/clock";
import type { HeldLock } from "@msdha/etcd-lock";
import type { HandoverNote } from "./handover-note.ts";
import type { Membership } from "./membership.ts";

/** The master lock, as its holder knows it. */
export interface MasterLock extends HeldLock {
  /** The round of the election that was opened with the taking, if one was. */
  readonly round?: number | undefined;
  /** The hand-over that was consumed, where it is known. */
  readonly handover?: HandoverNote | undefined;
}

/** What every change of the lock needs. */
export interface LockOptions {
  readonly membership: Membership;
  readonly ttlSeconds: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}
