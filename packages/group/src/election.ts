import type { EtcdApi } from "@msdha/etcd-client";
import { answerRound } from "./answer-round.ts";
import type { Candidacy, Candidate } from "./candidacy.ts";
import type { GroupFollower } from "./follow-group.ts";
import type { LockOptions, MasterLock } from "./master-lock.ts";
import { openElection } from "./open-election.ts";
import { anyIsAsked, chooseMaster, isHeldBack, listVoters, type Voter } from "./tally.ts";
import type { GroupView } from "./view.ts";

/** How much longer than its own limit a node's answer is waited for: its way through etcd, there and back. */
const ON_THE_WAY_MS = 1_000;

export interface ElectionOptions extends LockOptions {
  readonly signal: AbortSignal;
  /** This node's own; without it the node is willing, without a rank. */
  readonly candidate?: Candidate | undefined;
}

/** What came out of an election. */
export interface Choice {
  /** The node that should be promoted; undefined if no node may be. */
  readonly node: string | undefined;
  /** All that took part, with what they answered. */
  readonly voters: readonly Voter[];
  /** Nodes that are ready and did not answer within their time. */
  readonly silent: readonly string[];
}

/**
 * Chooses the next master among the nodes that are ready now; for the holder of the lock, when nothing of a former
 * master is alive any more. Every node that has a candidate is asked, at the same time, this one included. Resolves
 * when all have answered, or have had their time. Rejects when the node's own candidate can't be asked, when the lock
 * or the lease is lost, or with the reason of `signal`.
 *
 * It is a preference and no promise: an answer that is lost, or late, does not count.
 */
export async function holdElection(
  etcd: EtcdApi,
  follower: GroupFollower,
  lock: MasterLock,
  options: ElectionOptions,
): Promise<Choice> {
  const { candidate, membership } = options;
  const self = membership.name;
  if (!candidate && !anyIsAsked(follower.view, self))
    return conclude(follower, undefined, self, ownAnswer(follower, self));
  const round = lock.round ?? (await openElection(etcd, follower, lock, options));
  const since = options.clock.now();
  const own = candidate
    ? await answerRound(etcd, follower, round, { ...options, candidate })
    : ownAnswer(follower, self);
  await untilAnswered(follower, round, since, options);
  return conclude(follower, round, self, own ?? UNWILLING);
}

const UNWILLING: Candidacy = { may: false };

/** What a node without a candidate answers. */
function ownAnswer({ view }: GroupFollower, self: string): Candidacy {
  return { may: !isHeldBack(view, self) };
}

/**
 * Resolves when each ready node has answered, is gone, or has had its time since the round was opened; or when
 * `isEnough`.
 */
export async function untilAnswered(
  follower: GroupFollower,
  round: number,
  since: number,
  {
    membership,
    clock,
    signal,
    isEnough = () => false,
  }: Pick<ElectionOptions, "membership" | "clock" | "signal"> & {
    readonly isEnough?: (view: GroupView) => boolean;
  },
): Promise<void> {
  for (;;) {
    const { view } = follower;
    if (isEnough(view)) return;
    // A view that shows the round also shows every node that was ready before.
    const unseenMs = view.revision < round ? ON_THE_WAY_MS : 0;
    const patienceMs = Math.max(unseenMs, ...listPatience(listVoters(view, membership.name, round)));
    const leftMs = since + patienceMs - clock.now();
    if (leftMs <= 0) return;
    await follower.changed({ since: view, timeoutMs: leftMs, signal });
  }
}

function listPatience(voters: readonly Voter[]): readonly number[] {
  return voters
    .filter(({ candidacy }) => candidacy === undefined)
    .map(({ timeoutMs }) => timeoutMs + ON_THE_WAY_MS);
}

function conclude(
  { view }: GroupFollower,
  round: number | undefined,
  self: string,
  candidacy: Candidacy,
): Choice {
  const voters = [{ name: self, candidacy, timeoutMs: 0 }, ...listVoters(view, self, round)];
  const silent = voters.filter((voter) => voter.candidacy === undefined).map(({ name }) => name);
  return { node: chooseMaster(voters, self), voters, silent };
}
