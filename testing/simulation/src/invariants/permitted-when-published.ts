import type { Transaction } from "@msdha/etcd-client";
import { publishes } from "../facts/apply-answer.ts";
import type { Invariant } from "../facts/moment.ts";

/** From the answer of the guard to the publication. */
const ON_THE_WAY_MS = 50;

/**
 * Nobody publishes while it runs something that its guard may not kill, but what became so since the guard was asked: that
 * is found at the next proof. A publication that got no answer is asked for again, and the guard is not.
 */
export const permittedWhenPublished: Invariant = (moment) => {
  if (moment.kind !== "ask" || moment.call !== "txn") return undefined;
  const { run, argument } = moment;
  if (!publishes(argument as Transaction)) return undefined;
  const { machine, programs, supervisor } = run;
  const from = run.lock?.publishedFrom ?? machine.now;
  // A supervisor that was frozen may have asked before that.
  if (supervisor.thawedAt > machine.now - ON_THE_WAY_MS || supervisor.frozen) return undefined;
  for (const { name, foreignSince = Number.POSITIVE_INFINITY } of programs) {
    if (foreignSince < from - ON_THE_WAY_MS) return `${run.id} publishes although it may not kill ${name}`;
  }
  return undefined;
};
