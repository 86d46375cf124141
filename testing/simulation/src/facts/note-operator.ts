import type { KeyValue } from "@msdha/etcd-client";
import { type GroupKeys, parseKey, parseTerm } from "@msdha/group";
import type { AskFacts, Facts } from "./facts.ts";

/** Takes note of what an operator asks for, and of what the history says. */
export function noteOperator(facts: Facts, keys: GroupKeys, kv: KeyValue, put: boolean): void {
  const parsed = parseKey(keys, kv.key);
  if (parsed.kind === "ask") {
    const asks = new Map(facts.group.asks);
    facts.group = { ...facts.group, asks };
    if (!put) {
      asks.delete(kv.key);
      return;
    }
    const { until, token, run, accepted = false } = JSON.parse(kv.value) as Partial<AskFacts>;
    const ask: AskFacts = {
      kind: parsed.ask,
      node: parsed.name,
      revision: kv.modRevision,
      until,
      token,
      run,
      accepted,
    };
    asks.set(kv.key, ask);
    facts.asked.set(kv.modRevision, ask);
    if (parsed.ask === "promote" && accepted && run) facts.promotedByOrder.add(run);
    if (parsed.ask === "hold") facts.everHeld.add(parsed.name);
  }
  if (parsed.kind === "term") {
    const token = Number(parsed.name);
    const terms = new Map(facts.group.terms);
    facts.group = { ...facts.group, terms };
    const term = put ? parseTerm(token, kv.value) : undefined;
    if (term && !facts.recorded.has(token)) facts.recorded.set(token, kv.modRevision);
    if (term) terms.set(token, term);
    else terms.delete(token);
    // Nobody can know of a master whose record was deleted by hand.
    if (!put && facts.byHand) facts.recorded.delete(token);
  }
}
