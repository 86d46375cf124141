import type { Transaction } from "@msdha/etcd-client";
import type { Invariant } from "../facts/moment.ts";

const ROUNDING_MS = 0.01;

/** Nobody publishes `master` before its wait is over, counted from when it learned that the lock is its own. */
export const waitFromReceipt: Invariant = (moment) => {
  if (moment.kind !== "ask" || moment.call !== "txn") return undefined;
  const { run, argument } = moment;
  const publishes = (argument as Transaction).success.some(
    (operation) => operation.type === "put" && operation.value === "master",
  );
  if (!publishes) return undefined;
  if (!run.lock || run.lock.receivedAt === undefined)
    return `${run.id} publishes without having learned that it has the lock`;
  const waited = run.supervisor.clock.now() - run.lock.receivedAt;
  if (waited + ROUNDING_MS >= run.lock.waitMs) return undefined;
  return `${run.id} publishes after ${waited} ms instead of ${run.lock.waitMs}`;
};
