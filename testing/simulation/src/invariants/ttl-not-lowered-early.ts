import type { Invariant } from "../facts/moment.ts";

/** The group's record of its longest TTL only gets smaller in the transaction that publishes a master. */
export const ttlNotLoweredEarly: Invariant = (moment, { group, byHand }) => {
  if (moment.kind !== "change" || byHand || group.ttlSeconds >= moment.before.ttlSeconds) return undefined;
  const publishes = moment.change.events.some(({ type, kv }) => type === "PUT" && kv.value === "master");
  if (publishes) return undefined;
  return `the group's TTL went from ${moment.before.ttlSeconds} to ${group.ttlSeconds} s without a new master`;
};
