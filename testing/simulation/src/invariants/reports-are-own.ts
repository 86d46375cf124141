import type { Invariant } from "../facts/moment.ts";

/** What a node reports is stored on the lease of the node's key: it never outlives the run that said it. */
export const reportsAreOwn: Invariant = (moment, { byHand }) => {
  if (moment.kind !== "change" || byHand) return undefined;
  const { before, change } = moment;
  for (const { type, kv } of change.events) {
    const [, name] = /\/_report\/(.+)$/.exec(kv.key) ?? [];
    if (type !== "PUT" || name === undefined) continue;
    const node = before.nodes.get(name);
    if (kv.lease === "0" || node?.lease !== kv.lease) return `${kv.key} was put without its node's key`;
  }
  return undefined;
};
