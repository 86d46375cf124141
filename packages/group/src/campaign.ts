import type { EtcdApi } from "@msdha/etcd-client";
import { answerRound } from "./answer-round.ts";
import { findObstacle } from "./ask.ts";
import type { GroupFollower } from "./follow-group.ts";
import { createLead, type Lead, type LeadOptions } from "./lead.ts";
import { reasonsToLeaveLock } from "./leave-lock.ts";
import type { MasterLock } from "./master-lock.ts";
import { takeLock } from "./take-lock.ts";
import { anyIsAsked, openRound } from "./tally.ts";

/** The candidate is asked in elections, and before every try while its last answer is no: the node tries only if it may. */
export type CampaignOptions = LeadOptions;

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
    restoredTo: observed?.restoredTo ?? 0,
    handovers: follower.handovers,
    newestAnswer: observed?.newest ?? 0,
    onOtherHolder: follower.doubtFreeLock,
    asksCandidates: !isForUs && (candidate !== undefined || anyIsAsked(view, membership.name)),
  };
  return await takeLock(etcd, view.keys, known, options);
}
