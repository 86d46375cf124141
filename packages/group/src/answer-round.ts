import type { EtcdApi, Transaction } from "@msdha/etcd-client";
import { retryWhileLeased } from "@msdha/etcd-lock";
import { type Candidacy, type Candidate, writeAnswer } from "./candidacy.ts";
import type { GroupFollower } from "./follow-group.ts";
import type { LockOptions } from "./master-lock.ts";
import { isHeldBack, openRound } from "./tally.ts";

export interface AnswerOptions extends LockOptions {
  readonly candidate: Candidate;
  readonly signal: AbortSignal;
}

/**
 * Asks the node's own candidate and says in the group what it answered. Resolves with the answer; with undefined when
 * the round was over before. Rejects when the candidate can't be asked, the lease is lost, or `signal` aborts.
 */
export async function answerRound(
  etcd: EtcdApi,
  follower: GroupFollower,
  round: number,
  { candidate, membership, clock, signal }: AnswerOptions,
): Promise<Candidacy | undefined> {
  const heldBack = isHeldBack(follower.view, membership.name);
  const candidacy = heldBack ? { may: false } : await askWhileOpen(follower, round, { candidate, signal });
  if (!candidacy) return undefined;
  const { lease, name } = membership;
  const key = follower.view.keys.rank(name);
  const value = writeAnswer({ round, may: candidacy.may, rank: candidacy.rank });
  const put: Transaction = {
    // One that is carried out late must not take the place of an answer in a later round.
    compare: [{ key: follower.view.keys.election, target: "mod", is: "=", value: round }],
    success: [{ type: "put", key, value, lease: lease.id }],
    failure: [],
  };
  await retryWhileLeased(lease, { clock, signal }, (call) => etcd.txn(put, call));
  return candidacy;
}

/** Nobody waits for the answer to a round that is over, and the next one needs an answer of its own. */
async function askWhileOpen(
  follower: GroupFollower,
  round: number,
  { candidate, signal }: Pick<AnswerOptions, "candidate" | "signal">,
): Promise<Candidacy | undefined> {
  const roundIsOver = new AbortController();
  const answered = new AbortController();
  const watching = abortAtEnd(follower, round, roundIsOver, AbortSignal.any([signal, answered.signal]));
  try {
    return await candidate.ask({ signal: AbortSignal.any([signal, roundIsOver.signal]) });
  } catch (error) {
    if (roundIsOver.signal.aborted && !signal.aborted) return undefined;
    throw error;
  } finally {
    answered.abort();
    await watching;
  }
}

async function abortAtEnd(
  follower: GroupFollower,
  round: number,
  roundIsOver: AbortController,
  signal: AbortSignal,
): Promise<void> {
  // A view that does not show the round yet is older than it.
  const isOver = (): boolean => follower.view.revision >= round && openRound(follower.view) !== round;
  try {
    while (!isOver()) await follower.changed({ since: follower.view, signal });
    roundIsOver.abort(new Error("the round of the election is over"));
  } catch {
    // The answer was there first.
  }
}
