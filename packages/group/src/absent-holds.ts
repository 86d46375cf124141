import type { Ask } from "./ask.ts";
import type { GroupView } from "./view.ts";

/** Returns the holds of nodes that have left the group: they are held back when they come again. */
export function findAbsentHolds(view: Pick<GroupView, "asks" | "nodes">): readonly Ask[] {
  return [...view.asks.values()].filter(
    ({ kind, node }) => kind === "hold" && node !== undefined && !view.nodes.has(node),
  );
}
