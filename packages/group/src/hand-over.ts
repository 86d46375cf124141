import type { EtcdApi, Operation } from "@msdha/etcd-client";
import {
  giveBackLock as giveBackAnyLock,
  type HandoverLease,
  prepareHandover as prepareAnyHandover,
} from "@msdha/etcd-lock";
import type { Ask } from "./ask.ts";
import { writeHandover } from "./handover-note.ts";
import type { GroupKeys } from "./keys.ts";
import type { LockOptions, MasterLock } from "./master-lock.ts";
import { type Term, writeTerm } from "./term.ts";

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

/** Grants the lease for a hand-over, ahead of the moment in which it is needed. */
export async function prepareHandover(
  etcd: EtcdApi,
  { membership, clock, signal }: Pick<LockOptions, "membership" | "clock" | "signal">,
): Promise<HandoverLease> {
  return await prepareAnyHandover(etcd, { lease: membership.lease, clock, signal });
}

/**
 * Gives the lock back, if it is ours. With `handover` it writes a clean hand-over, so that the next holder need not
 * wait: only for a node that had finished its own wait (or consumed a hand-over), and of which nothing that was
 * promoted is alive. Resolves with whether the lock was ours, and rejects, as `giveBackLock` of `@msdha/etcd-lock`.
 */
export async function giveBackLock(
  etcd: EtcdApi,
  keys: GroupKeys,
  lock: MasterLock,
  { membership, clock, signal, handover, for: chosen, term, ask }: GiveBackOptions,
): Promise<boolean> {
  const { token } = lock;
  const masterStopped = membership.state === "master" || lock.handover?.masterStopped === true;
  const note = writeHandover({ node: membership.name, token, for: chosen, masterStopped });
  const done: readonly Operation[] = ask ? [{ type: "delete", key: keys.ask(ask.kind, ask.node) }] : [];
  return await giveBackAnyLock(etcd, keys, lock, {
    lease: membership.lease,
    clock,
    signal,
    handover: handover && { lease: handover, note },
    also: [{ type: "delete", key: keys.election }, ...done],
    withHandover: term ? [{ type: "put", key: keys.term(token), value: writeTerm(term) }] : [],
  });
}
