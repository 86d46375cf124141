import { type EtcdApi, isEtcdError, type Operation } from "@msdha/etcd-client";
import { rangeAnswer } from "./answers.ts";
import type { Ask } from "./ask.ts";
import { writeHandover } from "./handover-note.ts";
import type { GroupKeys } from "./keys.ts";
import type { LockOptions, MasterLock } from "./master-lock.ts";
import { type Term, writeTerm } from "./term.ts";
import { untilLost } from "./until-lost.ts";

/** The lease of a hand-over that is still to be written. */
export interface HandoverLease {
  readonly id: string;
}

export interface GiveBackOptions extends LockOptions {
  /** Leaves a hand-over on this lease. */
  readonly handover: HandoverLease | undefined;
  /** The node that the hand-over is for. */
  readonly for?: string | undefined;
  /** How the time of this node as the master ended; written with the hand-over only, as an etcd without space takes no put. */
  readonly term?: Term | undefined;
  /** The request that is carried out with this. */
  readonly ask?: Pick<Ask, "kind" | "node"> | undefined;
}

/** How long a hand-over stays true for the next master to find. */
const HANDOVER_SECONDS = 60;

/** Grants the lease for a hand-over, ahead of the moment in which it is needed. */
export async function prepareHandover(
  etcd: EtcdApi,
  { membership, clock, signal }: Pick<LockOptions, "membership" | "clock" | "signal">,
): Promise<HandoverLease> {
  return await untilLost(membership.lease, { clock, signal }, (call) =>
    etcd.leaseGrant(HANDOVER_SECONDS, call),
  );
}

/**
 * Gives the lock back, if it is ours. With `handover` it writes a clean hand-over, so that the next holder need not
 * wait: only for a node that had finished its own wait (or consumed a hand-over), and of which nothing that was
 * promoted is alive. A hand-over whose lease has ended meanwhile is given a new one. Resolves with whether the lock was
 * ours (without a hand-over, an answer that was lost reads as if it had not been). Rejects when etcd does not answer
 * before the lease is lost or `signal` aborts; the hand-over may have been written nevertheless, and is true.
 */
export async function giveBackLock(
  etcd: EtcdApi,
  keys: GroupKeys,
  lock: MasterLock,
  options: GiveBackOptions,
): Promise<boolean> {
  try {
    return await tryToGiveBack(etcd, keys, lock, options);
  } catch (error) {
    if (!options.handover || !isEtcdError(error, "ERR_ETCD_LEASE_NOT_FOUND")) throw error;
    const handover = await prepareHandover(etcd, options);
    return await tryToGiveBack(etcd, keys, lock, { ...options, handover });
  }
}

async function tryToGiveBack(
  etcd: EtcdApi,
  keys: GroupKeys,
  { token, handover: consumed }: MasterLock,
  { membership, clock, signal, handover, for: chosen, term, ask }: GiveBackOptions,
): Promise<boolean> {
  const left: readonly Operation[] = handover
    ? [
        {
          type: "put",
          key: keys.handover,
          value: writeHandover({
            node: membership.name,
            token,
            for: chosen,
            masterStopped: membership.state === "master" || consumed?.masterStopped === true,
          }),
          lease: handover.id,
        },
        ...(term ? [{ type: "put" as const, key: keys.term(token), value: writeTerm(term) }] : []),
      ]
    : [];
  const done: readonly Operation[] = ask ? [{ type: "delete", key: keys.ask(ask.kind, ask.node) }] : [];
  const result = await untilLost(membership.lease, { clock, signal }, (call) =>
    etcd.txn(
      {
        compare: [
          { key: keys.lock, target: "create", is: "=", value: token },
          // A restored etcd counts its revisions again: another node's lock can have our token.
          { key: keys.lock, target: "lease", is: "=", value: membership.lease.id },
        ],
        success: [
          { type: "delete", key: keys.lock },
          { type: "delete", key: keys.election },
          ...done,
          ...left,
        ],
        failure: [{ type: "range", key: keys.handover }],
      },
      call,
    ),
  );
  if (result.succeeded) return true;
  const [handed] = rangeAnswer(result, 0);
  return handover !== undefined && handed?.lease === handover.id;
}
