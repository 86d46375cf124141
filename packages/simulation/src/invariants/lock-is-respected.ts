import type { Invariant } from "../facts/moment.ts";

/** Nobody takes a lock that is held, and nobody calls itself master without holding it. */
export const lockIsRespected: Invariant = (moment, { byHand, group }) => {
  if (moment.kind !== "change" || byHand) return undefined;
  for (const { type, kv } of moment.change.events) {
    if (type !== "PUT") continue;
    if (kv.key.endsWith("/_lock") && moment.before.lock)
      return `the lock ${moment.before.lock.token} was overwritten`;
    if (kv.value === "master" && group.lock?.lease !== kv.lease)
      return `${kv.key} was published without the lock`;
  }
  return undefined;
};
