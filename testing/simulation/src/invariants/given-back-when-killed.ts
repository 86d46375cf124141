import type { Transaction } from "@msdha/etcd-client";
import type { Facts, RunFacts } from "../facts/facts.ts";
import type { Invariant, Moment } from "../facts/moment.ts";

/**
 * A run that had finished its wait gives neither its lock back nor its lease while anything of it is alive that was not
 * sent SIGKILL. What was sent it and hangs in the kernel executes nothing any more.
 */
export const givenBackWhenKilled: Invariant = (moment, { group }) => {
  if (moment.kind !== "ask" || !moment.run.published || !givesBack(moment, group)) return undefined;
  const { run } = moment;
  const left = [...run.programs].filter(({ killed }) => !killed);
  if (left.length === 0) return undefined;
  return `${run.id} gives its lock back while ${left.map(({ name }) => name)} is alive that nobody has killed`;
};

function givesBack({ call, argument, run }: Moment & { kind: "ask" }, { lock }: Facts["group"]): boolean {
  if (!holds(run, lock)) return false;
  if (call === "leaseRevoke") return argument === run.lease;
  return call === "txn" && deletesLock(argument as Transaction);
}

function holds(run: RunFacts, lock: Facts["group"]["lock"]): boolean {
  return lock?.run === run;
}

function deletesLock({ success }: Transaction): boolean {
  return success.some((operation) => operation.type === "delete" && operation.key.endsWith("/_lock"));
}
