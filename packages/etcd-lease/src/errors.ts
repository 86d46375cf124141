/**
 * Why a lease is not to be believed any more:
 * - `expired`: nothing proved it for one TTL. It may still exist in etcd.
 * - `gone`: etcd says that the lease does not exist.
 * - `proof-failed`: etcd says that the key to prove is missing, another's, or not on this lease.
 * - `copied`: someone else writes in this lease's name: a copy of this machine.
 * - `released`: its own holder gave it up. Only `throwIfLost` says so; `lost` does not abort.
 */
export type LeaseLostKind = "expired" | "gone" | "proof-failed" | "copied" | "released";

export interface LeaseLostDetails {
  readonly seen: number;
  readonly deadline: number;
  readonly cause?: unknown;
}

const MESSAGES: Readonly<Record<LeaseLostKind, string>> = {
  expired: "the lease was not proved within its time to live",
  gone: "etcd says that the lease is gone",
  "proof-failed": "etcd says that what the lease held is gone or another's",
  copied: "a copy of this machine uses the lease",
  released: "the lease was released",
};

/** The lease is lost: whatever rests on it must stop. Its `cause` is the last failure on the way there, if any. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
  readonly code = "ERR_LEASE_LOST";
  readonly kind: LeaseLostKind;
  /** When the last request was sent whose answer proved the lease, in ms on the lease's clock. */
  readonly seen: number;
  /** When the lease stopped, or would have stopped, to be believed: `seen` and one TTL. */
  readonly deadline: number;

  constructor(kind: LeaseLostKind, { seen, deadline, cause }: LeaseLostDetails) {
    super(MESSAGES[kind], cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.seen = seen;
    this.deadline = deadline;
  }
}
