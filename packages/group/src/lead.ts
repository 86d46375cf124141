import type { CallOptions, EtcdApi } from "@msdha/etcd-client";
import { confirmLock, type HandoverLease, type ObservedRevisions, settle } from "@msdha/etcd-lock";
import { acceptOrder } from "./accept-order.ts";
import type { Ask } from "./ask.ts";
import { type Choice, type ElectionOptions, holdElection } from "./election.ts";
import type { GroupFollower } from "./follow-group.ts";
import { type GiveBackOptions, giveBackLock, prepareHandover } from "./hand-over.ts";
import { putValue } from "./hook-values.ts";
import type { MasterLock } from "./master-lock.ts";
import { type PublishOptions, publishMaster } from "./publish-master.ts";

export interface LeadCall {
  readonly signal?: AbortSignal | undefined;
}

/** How the lock is given back. */
export type GiveBack = Pick<GiveBackOptions, "handover" | "for" | "term" | "ask" | "signal">;

/**
 * The master lock, and all that its holder may do with it. What leads to the promotion ends with the signal of the
 * campaign; what gives the lock back with its own. Every call rejects with the lease's reason once that is lost.
 */
export interface Lead extends MasterLock {
  /**
   * Resolves when nothing of a former master can be alive: after 2 TTLs, or at once after a clean hand-over. Call it
   * before anything else.
   */
  settled(): Promise<void>;
  /** Asks all nodes that are ready, and resolves with the one to promote: see `holdElection`. */
  elect(): Promise<Choice>;
  /** Accepts an operator's order to promote this node. Resolves with whether it is still there: see `acceptOrder`. */
  accept(order: Ask): Promise<boolean>;
  /** Writes state `master`. Rejects with a `LockLostError` when the lock or the node key is not ours. */
  publish(options?: Pick<PublishOptions, "history" | "order">): Promise<void>;
  /** Resolves when a quorum confirms the lock, with no answer of before. Rejects with a `LockLostError` when it does not. */
  confirm(): Promise<void>;
  /** Stores a value with the group, as only the holder of the lock can: see `putValue`. */
  put(name: string, value: string, options: CallOptions): Promise<void>;
  /** Grants the lease for a hand-over, ahead of the moment in which it is needed. */
  prepareHandover(options?: LeadCall): Promise<HandoverLease>;
  /** Gives the lock back; without `handover` the next master waits for 2 TTLs. Resolves with whether it was ours. */
  giveBack(options?: Partial<GiveBack>): Promise<boolean>;
  /**
   * Gives the lock back with a clean hand-over, so that the next master need not wait: only when it has settled, and
   * everything that was done under it has ended. Resolves with whether it was ours.
   */
  handOver(options?: LeadCall & Pick<GiveBack, "for">): Promise<boolean>;
}

export interface LeadOptions extends ElectionOptions {
  /** What all answers to this node have shown of etcd's revisions. */
  readonly observed?: ObservedRevisions;
}

/** Binds what the holder of the lock may do to its lock. */
export function createLead(
  etcd: EtcdApi,
  follower: GroupFollower,
  lock: MasterLock,
  options: LeadOptions,
): Lead {
  const { membership, ttlSeconds, clock, signal, observed } = options;
  const { lease } = membership;
  const { keys } = follower.view;
  const prepare = async (call: LeadCall = {}) => await prepareHandover(etcd, { membership, clock, ...call });
  const giveBack = async (how: Partial<GiveBackOptions> = {}): Promise<boolean> =>
    await giveBackLock(etcd, keys, lock, { membership, ttlSeconds, clock, handover: undefined, ...how });
  return {
    ...lock,
    settled: async () => await settle(follower, lock, { clock, observed, signal }),
    elect: async () => await holdElection(etcd, follower, lock, options),
    accept: async (order) => await acceptOrder(etcd, keys, lock, order, options),
    publish: async ({ history, order } = {}) =>
      await publishMaster(etcd, keys, lock, { ...options, history, order }),
    confirm: async () => await confirmLock(etcd, keys, lock, { lease, clock, signal }),
    put: async (name, value, call) => await putValue(etcd, keys, name, value, { ...call, lock }),
    prepareHandover: prepare,
    giveBack,
    handOver: async ({ signal: until, for: chosen } = {}) => {
      const handover = await prepare({ signal: until });
      return await giveBack({ handover, for: chosen, signal: until });
    },
  };
}
