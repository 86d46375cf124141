import type { KeyValue } from "@msdha/etcd-client";
import { followedBefore } from "../facts/apply-answer.ts";
import { runOf } from "../facts/apply-change.ts";
import type { AskFacts, Facts, RunFacts } from "../facts/facts.ts";
import type { Invariant } from "../facts/moment.ts";

/** A run that was frozen starts what it decided before. */
const ON_THE_WAY_MS = 50;

/**
 * A `candidate` hook learns that a loss is accepted only under an order for its own run, and for the master that was published
 * last as far as the run can know; and whoever said yes under an order is published only if it has accepted the order, which
 * was there then. Not checked once etcd was restored: it gives tokens and revisions out again.
 */
export const lossIsOrdered: Invariant = (moment, facts) => {
  if (facts.restores > 0) return undefined;
  if (moment.kind === "start") {
    if (moment.program !== "candidate" || moment.env["MSDHA_ACCEPT_LOSS"] !== "1") return undefined;
    return judgeStart(moment.run, facts);
  }
  if (moment.kind !== "change" || facts.byHand) return undefined;
  for (const { type, kv } of moment.change.events) {
    if (type !== "PUT") continue;
    if (kv.value === "master") {
      const wrong = judgePublication(kv, facts);
      if (wrong) return wrong;
    }
    const ask = facts.group.asks.get(kv.key);
    if (ask?.kind === "promote" && !moment.before.asks.has(kv.key))
      return `${kv.key} was accepted, and nobody asked for it any more`;
  }
  return undefined;
};

function judgeStart(run: RunFacts, facts: Facts): string | undefined {
  const orders = [...facts.asked.values()].filter((ask) => ask.kind === "promote" && ask.run === run.id);
  if (orders.length === 0) return `${run.id} was told to accept a loss, and nobody ordered that`;
  const isLate = run.supervisor.thawedAt > run.machine.now - ON_THE_WAY_MS || run.told.missing;
  if (isLate || orders.some((order) => !isVoid(order, run, facts))) return undefined;
  return `${run.id} was told to accept a loss for a master that was not the last one`;
}

/** Whether another master was published since, and the run has known that for a moment. */
function isVoid({ token = 0 }: AskFacts, run: RunFacts, { recorded }: Facts): boolean {
  const known = followedBefore(run);
  return [...recorded].some(([later, revision]) => later > token && revision <= known);
}

function judgePublication({ lease }: KeyValue, facts: Facts): string | undefined {
  const run = runOf(facts, lease);
  if (!run?.saidByOrder || facts.promotedByOrder.has(run.id)) return undefined;
  return `${run.id} was promoted under an order that it has not accepted`;
}
