import type { EtcdApi } from "@msdha/etcd-client";
import { confirmLock, type ObservedRevisions, settle } from "@msdha/etcd-lock";
import { acceptOrder } from "./accept-order.ts";
import { answerRound } from "./answer-round.ts";
import { findObstacle } from "./ask.ts";
import type { Candidate } from "./candidacy.ts";
import { holdElection } from "./election.ts";
import type { GroupFollower } from "./follow-group.ts";
import { type GiveBackOptions, giveBackLock, prepareHandover } from "./hand-over.ts";
import type { Lead, LeadCall } from "./lead.ts";
import { reasonsToLeaveLock } from "./leave-lock.ts";
import type { LockOptions, MasterLock } from "./master-lock.ts";
import { publishMaster } from "./publish-master.ts";
import { takeLock } from "./take-lock.ts";
import { anyIsAsked, openRound } from "./tally.ts";
import { putValue } from "./values.ts";

export interface CampaignOptions extends LockOptions {
  readonly signal: AbortSignal;
  /** What all answers to this node have shown of etcd's revisions. */
  readonly observed?: ObservedRevisions;
  /** Asked in elections. While its last answer is no, it is asked before every try too, and the node tries only if it may. */
  readonly candidate?: Candidate | undefined;
}

/** How soon a node that may not be master is asked again. */
const ASK_AGAIN_MS = 1_000;

/**
 * Competes for the master lock until it is ours. Tries when the group's watch shows the lock free, with neither a pause nor
 * a hold of this node, and every TTL whatever the watch says, unless there is a reason to leave it (leave-lock.ts); answers
 * the elections of others meanwhile. Rejects with the reason of `signal`, when the lease is lost, or when the candidate
 * can't be asked. Having the lock does not mean to be chosen: see `Lead.elect`.
 */
export async function campaign(
  etcd: EtcdApi,
  follower: GroupFollower,
  options: CampaignOptions,
): Promise<Lead> {
  const { clock, membership, ttlSeconds, signal, candidate } = options;
  const ttlMs = ttlSeconds * 1000;
  const reasons = reasonsToLeaveLock(membership.name, ttlMs);
  // A lock on our own lease is one that we have just given back: what became of it the watch has yet to tell.
  const justLeft = follower.view.lock?.lease === membership.lease.id;
  let tryAt = clock.now() + (justLeft ? ttlMs : 0);
  let answered: number | undefined;
  for (;;) {
    const { view } = follower;
    const round = candidate && openRound(view);
    if (candidate && round !== undefined && round !== answered) {
      answered = round;
      await answerRound(etcd, follower, round, { ...options, candidate });
      continue;
    }
    const isFree = !view.lock && !findObstacle(view.asks, membership.name);
    const leaveMs = Math.max(...reasons.map((reason) => reason(view, clock.now())));
    if (leaveMs > 0) tryAt = clock.now() + leaveMs;
    else if (isFree || clock.now() >= tryAt) {
      tryAt = clock.now() + ttlMs;
      if (isFree && candidate?.refused && !(await candidate.ask({ signal })).may) {
        tryAt = clock.now() + ASK_AGAIN_MS;
      } else {
        const lock = await tryLock(etcd, follower, options);
        if (lock) return createLead(etcd, follower, lock, options);
      }
    }
    await follower.changed({ since: view, timeoutMs: Math.max(tryAt - clock.now(), 1), signal });
  }
}

async function tryLock(
  etcd: EtcdApi,
  follower: GroupFollower,
  options: CampaignOptions,
): Promise<MasterLock | undefined> {
  const { view } = follower;
  const { observed, membership, candidate } = options;
  const isForUs = view.handoverNote?.for === membership.name;
  const known = {
    ttl: view.ttl,
    revision: view.revision,
    staleHandover: Math.max(follower.staleHandover, observed?.restoredTo ?? 0),
    newestAnswer: observed?.newest ?? 0,
    handover: view.handoverNote,
    onOtherHolder: follower.doubtFreeLock,
    asksCandidates: !isForUs && (candidate !== undefined || anyIsAsked(view, membership.name)),
  };
  return await takeLock(etcd, view.keys, known, options);
}

/** Binds what the holder of the lock may do to its lock. */
function createLead(
  etcd: EtcdApi,
  follower: GroupFollower,
  lock: MasterLock,
  options: CampaignOptions,
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
