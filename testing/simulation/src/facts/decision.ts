import type { EtcdApi, Operation, Transaction } from "@msdha/etcd-client";
import type { RunFacts } from "./facts.ts";

/** Whom this transaction makes master, or leaves the lock to. */
export function decisionIn(
  { success }: Transaction,
  run: RunFacts,
): { readonly chosen: string | undefined } | undefined {
  const puts = success.filter((each): each is Operation & { type: "put" } => each.type === "put");
  if (puts.some(({ value }) => value === "master")) return { chosen: run.node };
  const handover = puts.find(({ key }) => key.endsWith("/_handover"));
  if (!handover || run.published || !run.supervisor.alive) return undefined;
  const chosen = (JSON.parse(handover.value) as { for?: string }).for;
  return chosen === undefined ? undefined : { chosen };
}

/** Counts what a run asks of etcd, if it decides who is the next master. */
export function noteDecision(run: RunFacts, call: keyof EtcdApi, argument: unknown): void {
  if (call === "txn" && run.lock && decisionIn(argument as Transaction, run)) run.lock.decisions += 1;
}
