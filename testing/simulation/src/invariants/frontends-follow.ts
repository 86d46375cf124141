import type { Invariant } from "../facts/moment.ts";

/** How long a frontend may take to carry out what it was told. */
const CARRY_OUT_MS = 60;

/**
 * A frontend sends no new session to a node of which etcd has told it that it is not the master, and never to two at
 * once.
 */
export const frontendsFollow: Invariant = (moment, { frontends }) => {
  if (moment.kind !== "step") return undefined;
  for (const { name, process, targets, known, missed } of frontends) {
    const now = targets();
    if (now.length > 1) return `${name} sends new sessions to ${now.join(" and ")}`;
    const [target] = now;
    if (target === undefined || !known || target === known.master || process.frozen || missed) continue;
    const lateMs = moment.now - Math.max(known.since, process.thawedAt) - CARRY_OUT_MS;
    if (lateMs < 0) continue;
    return `${name} still sends new sessions to ${target} after it was told that the master is ${known.master ?? "nobody"}`;
  }
  return undefined;
};
