import { type Ask, askName } from "./ask.ts";
import type { GroupView } from "./view.ts";

/** A run of a node that may have been ordered to become master whatever is lost. */
export interface OrderedRun {
  readonly name: string;
  readonly run: string;
}

/**
 * Returns an operator's order to promote this very run though data may be lost; undefined if none is in force. An order is for
 * the master that was published last, and counts once that one has left its lock: after the next publication it is void.
 */
export function findOrder(
  { asks, lock, terms }: Pick<GroupView, "asks" | "lock" | "terms">,
  { name, run }: OrderedRun,
): Ask | undefined {
  const order = asks.get(askName("promote", name));
  const newest = newestToken(terms);
  if (order?.run !== run || order.token !== newest || lock?.token === newest) return undefined;
  return order;
}

/** The token of the master that was published last, by the group's history; 0 without one. */
export function newestToken(terms: GroupView["terms"]): number {
  return Math.max(0, ...terms.keys());
}
