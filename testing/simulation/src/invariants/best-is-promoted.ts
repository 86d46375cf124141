import type { Transaction } from "@msdha/etcd-client";
import { followedBefore } from "../facts/apply-answer.ts";
import { runOf, waitedMs } from "../facts/apply-change.ts";
import { decisionIn } from "../facts/decision.ts";
import type { Candidacy, Facts, LockFacts, NodeFacts, RunFacts } from "../facts/facts.ts";
import type { Invariant } from "../facts/moment.ts";

/**
 * The lock's holder decides about the next master when all nodes that were ready at the end of its wait, and that are
 * still, have answered; it chooses the highest rank of all. It decides when it publishes itself, and when it leaves the
 * lock to another; what it was told in the moment before that comes too late. Nodes that an operator has held back are left out. Not checked of a holder that misses an event: it does not know whom to ask. Nor once a node has had its whole time to answer: an answer that comes then may be too late.
 */
export const bestIsPromoted: Invariant = (moment, facts) => {
  if (moment.kind !== "ask" || moment.call !== "txn") return undefined;
  const { run, argument, now } = moment;
  const decision = decisionIn(argument as Transaction, run);
  const { lock } = run;
  if (!decision || !lock || lock.chosen || run.told.missing || facts.restores !== lock.restores)
    return undefined;
  // What has no answer is sent again, whatever the holder has been told meanwhile.
  if (lock.decisions > 1) return undefined;
  if (facts.everHeld.has(run.node)) return undefined;
  // One that was frozen decides before it takes in what its watch has told it meanwhile.
  if (run.supervisor.thawedAt > run.machine.now - ON_THE_WAY_MS) return undefined;
  const end = endOfWait(run, lock, now);
  if (!end) return undefined;
  const voters = new Map<string, Candidacy>([[run.node, run.said ?? WILLING]]);
  const known = followedBefore(run);
  for (const [name, node] of facts.group.nodes) {
    if (name === run.node || node.state !== "ready" || node.since > end.at || node.revision > known) continue;
    if (facts.everHeld.has(name)) continue;
    const answer = answerOf(facts, { name, node, run, end });
    if (answer === "missing") return `${run.id} chose ${decision.chosen} before ${name} had answered`;
    if (answer) voters.set(name, answer);
  }
  return judge(run, decision.chosen, voters);
};

/** From the decision to the publication. */
const ON_THE_WAY_MS = 50;

const WILLING: Candidacy = { may: true, rank: undefined };

function judge(
  { id }: RunFacts,
  chosen: string | undefined,
  voters: ReadonlyMap<string, Candidacy>,
): string | undefined {
  const of = chosen === undefined ? undefined : voters.get(chosen);
  // One that became ready after the end of the wait, or is gone by now.
  if (chosen !== undefined && !of) return undefined;
  if (of && !of.may) return `${id} chose ${chosen}, which may not be master`;
  for (const [name, { may, rank }] of voters) {
    if (!may || (of && !isHigher(rank, of.rank))) continue;
    return `${id} chose ${chosen} with the rank ${of?.rank} though ${name} has ${rank}`;
  }
  return undefined;
}

function isHigher(a: bigint | undefined, b: bigint | undefined): boolean {
  return a !== undefined && (b === undefined || a > b);
}

interface EndOfWait {
  /** In the world's time: answers of before are of no use, and who is ready only later need not be waited for. */
  readonly at: number;
  /** How long ago the holder could begin to ask, by its own clock. */
  readonly agoMs: number;
}

function endOfWait(run: RunFacts, lock: LockFacts, now: number): EndOfWait | undefined {
  if (lock.receivedAt === undefined) return undefined;
  const overMs = waitedMs(lock, run, now) - lock.waitMs;
  const agoMs = Math.min(overMs, run.supervisor.clock.now() - lock.receivedAt);
  return { at: lock.waitMs === 0 ? lock.takenAt : now - overMs / run.rate, agoMs };
}

/** What a node has answered; nothing for one that had its time, or whose answer the holder may know only by reading the group anew. */
function answerOf(
  facts: Facts,
  {
    name,
    node,
    run,
    end,
  }: {
    readonly name: string;
    readonly node: NodeFacts;
    readonly run: RunFacts;
    readonly end: EndOfWait;
  },
): Candidacy | "missing" | undefined {
  const limitMs = facts.group.limits.get(name);
  const other = runOf(facts, node.lease);
  if (!other) return undefined;
  if (limitMs === undefined) return WILLING;
  if (end.agoMs >= limitMs) return undefined;
  const ofUse = other.answers.filter(({ at }) => at >= end.at);
  const known = ofUse.findLast(({ revision }) => revision <= run.followed);
  if (known) return known;
  return ofUse.some(({ revision }) => revision <= run.readTo) ? undefined : "missing";
}
