import type { KeyValue } from "@msdha/etcd-client";
import { runOf } from "../facts/apply-change.ts";
import type { Facts, GroupFacts } from "../facts/facts.ts";
import type { Invariant } from "../facts/moment.ts";

/**
 * Each promotion is in the history, once: recorded in the revision that publishes it, of that run and token. A record is
 * changed by when traffic was let through, which is when the gap before it ends, and once by its end. Longer texts may be
 * cut then: a record has a limit.
 */
export const promotionsAreRecorded: Invariant = (moment, facts) => {
  if (moment.kind !== "change" || facts.byHand) return undefined;
  const { before, change } = moment;
  for (const { type, kv } of change.events) {
    if (type !== "PUT") continue;
    if (kv.value === "master") {
      const wrong = judgePublication(facts, before, kv);
      if (wrong) return wrong;
    }
    const token = tokenOf(kv.key);
    const was = token === undefined ? undefined : before.terms.get(token);
    const is = token === undefined ? undefined : facts.group.terms.get(token);
    if (!was) continue;
    if (was.end) return `the record of ${token} was changed after its end`;
    const later = { end: undefined, gapMs: undefined, losses: undefined, from: undefined };
    const isSame =
      JSON.stringify({ ...was, ...later }) === JSON.stringify({ ...is, ...later }) &&
      isCutFrom(was.losses, is?.losses) &&
      isCutFrom(was.from, is?.from);
    if (!isSame) return `the record of ${token} was changed by something else than its end`;
  }
  return undefined;
};

function judgePublication(facts: Facts, before: GroupFacts, { lease }: KeyValue): string | undefined {
  const { lock, terms } = facts.group;
  const run = runOf(facts, lease);
  // Who pretends to be the master is nobody's run.
  if (!run || !lock) return undefined;
  const term = terms.get(lock.token);
  if (!term) return `${run.id} was published with the token ${lock.token}, and the history does not say so`;
  if (term.node !== run.node || term.run !== run.id)
    return `the history says that ${term.run} was published with the token ${lock.token}, and it was ${run.id}`;
  // A restored etcd gives tokens out again.
  if (before.terms.has(lock.token) && facts.restores === 0)
    return `the history had a record of the token ${lock.token} already`;
  return undefined;
}

function isCutFrom(text: string | undefined, cut: string | undefined): boolean {
  return cut === text || (cut?.endsWith("…") === true && text?.startsWith(cut.slice(0, -1)) === true);
}

function tokenOf(key: string): number | undefined {
  const [, digits] = /\/_history\/(\d+)$/.exec(key) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
