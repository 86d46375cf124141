import { type EtcdApi, isEtcdError, type Operation, rangeAnswer } from "@msdha/etcd-client";
import { type HandoverLease, prepareHandover } from "./handover-lease.ts";
import type { HeldLock, HolderOptions } from "./held-lock.ts";
import type { LockKeys } from "./lock-keys.ts";
import { retryWhileLeased } from "./retry-while-leased.ts";

export interface GiveBackOptions extends HolderOptions {
  /** Leaves a hand-over: its text, and its lease. */
  readonly handover: { readonly lease: HandoverLease; readonly note: string } | undefined;
  /** Carried out with the deletion of the lock. */
  readonly also?: readonly Operation[];
  /** Carried out if a hand-over is written. */
  readonly withHandover?: readonly Operation[];
}

/**
 * Gives the lock back, if it is ours. With `handover` it writes a clean hand-over, so that the next holder need not
 * wait: only for a holder that had settled (or consumed a hand-over), and of which nothing is alive that used the lock. A
 * hand-over whose lease has ended meanwhile is given a new one. Resolves with whether the lock was ours (without a
 * hand-over, an answer that was lost reads as if it had not been). Rejects when etcd does not answer before the lease is
 * lost or `signal` aborts; the hand-over may have been written nevertheless, and is true.
 */
export async function giveBackLock(
  etcd: EtcdApi,
  keys: LockKeys,
  lock: Pick<HeldLock, "token">,
  options: GiveBackOptions,
): Promise<boolean> {
  try {
    return await tryToGiveBack(etcd, keys, lock, options);
  } catch (error) {
    const { handover } = options;
    if (!handover || !isEtcdError(error, "ERR_ETCD_LEASE_NOT_FOUND")) throw error;
    const lease = await prepareHandover(etcd, options);
    return await tryToGiveBack(etcd, keys, lock, { ...options, handover: { ...handover, lease } });
  }
}

async function tryToGiveBack(
  etcd: EtcdApi,
  keys: LockKeys,
  { token }: Pick<HeldLock, "token">,
  { lease, clock, signal, handover, also = [], withHandover = [] }: GiveBackOptions,
): Promise<boolean> {
  const left: readonly Operation[] = handover
    ? [{ type: "put", key: keys.handover, value: handover.note, lease: handover.lease.id }, ...withHandover]
    : [];
  const result = await retryWhileLeased(lease, { clock, signal }, (call) =>
    etcd.txn(
      {
        compare: [
          { key: keys.lock, target: "create", is: "=", value: token },
          // A restored etcd counts its revisions again: another node's lock can have our token.
          { key: keys.lock, target: "lease", is: "=", value: lease.id },
        ],
        success: [{ type: "delete", key: keys.lock }, ...also, ...left],
        failure: [{ type: "range", key: keys.handover }],
      },
      call,
    ),
  );
  if (result.succeeded) return true;
  const [handed] = rangeAnswer(result, 0);
  return handover !== undefined && handed?.lease === handover.lease.id;
}
