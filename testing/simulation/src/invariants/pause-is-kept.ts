import type { Invariant } from "../facts/moment.ts";

/**
 * No node takes the lock while the group is paused, or while it is held back itself; and no node takes a pause or hold
 * away before its time is over.
 */
export const pauseIsKept: Invariant = (moment, { byHand }) => {
  if (moment.kind !== "change" || byHand) return undefined;
  const { before, change, now } = moment;
  for (const { type, kv } of change.events) {
    if (type === "PUT" && kv.key.endsWith("/_lock") && kv.createRevision === change.revision) {
      const { node } = JSON.parse(kv.value) as { node: string };
      for (const ask of before.asks.values()) {
        if (ask.kind === "pause") return `${node} took the lock under a pause`;
        if (ask.kind === "hold" && ask.node === node) return `${node} took the lock though it is held back`;
      }
    }
    const ask = type === "DELETE" ? before.asks.get(kv.key) : undefined;
    if (!ask || (ask.kind !== "pause" && ask.kind !== "hold")) continue;
    if (ask.until === undefined || now < ask.until) return `a node took ${kv.key} away before its end`;
  }
  return undefined;
};
