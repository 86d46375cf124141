import type { GroupView, NodeEntry } from "./view.ts";

/** Whether a node has written its key: a node's key is on its lease. One without a lease was put by hand. */
export function isNode({ lease }: Pick<NodeEntry, "lease">): boolean {
  return lease !== NO_LEASE;
}

/** The nodes of a group that are ready, and their keys. What was put by hand counts for none. */
export function readyNodes({
  nodes,
}: Pick<GroupView, "nodes">): readonly (readonly [name: string, entry: NodeEntry])[] {
  return [...nodes].filter(([, entry]) => entry.state === "ready" && isNode(entry));
}

const NO_LEASE = "0";
