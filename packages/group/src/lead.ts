import type { CallOptions } from "@msdha/etcd-client";
import type { HandoverLease } from "@msdha/etcd-lock";
import type { Ask } from "./ask.ts";
import type { Choice } from "./election.ts";
import type { GiveBackOptions } from "./hand-over.ts";
import type { MasterLock } from "./master-lock.ts";
import type { PublishOptions } from "./publish-master.ts";

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
