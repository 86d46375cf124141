import type { Transaction } from "@msdha/etcd-client";
import { waitedMs } from "../facts/apply-change.ts";
import type { Invariant } from "../facts/moment.ts";

const ROUNDING_MS = 0.01;

/**
 * Nobody publishes `master` before the whole wait has passed, by its own clock, since the lock was last anybody
 * else's: no answer that it could count from was received earlier.
 */
export const waitForTheFormer: Invariant = (moment) => {
  if (moment.kind !== "ask" || moment.call !== "txn") return undefined;
  const { run, argument, now } = moment;
  const publishes = (argument as Transaction).success.some(
    (operation) => operation.type === "put" && operation.value === "master",
  );
  if (!publishes) return undefined;
  if (!run.lock) return `${run.id} publishes without ever having had the lock`;
  const waited = waitedMs(run.lock, run, now);
  if (waited + ROUNDING_MS >= run.lock.waitMs) return undefined;
  return `${run.id} publishes after ${waited} ms instead of ${run.lock.waitMs}`;
};
