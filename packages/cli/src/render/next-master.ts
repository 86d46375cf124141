import type { GroupStatus, NodeStatus } from "@msdha/group";

/** Who would probably be the next master, and how that is known: it is the only one, or the least behind by its report. */
export interface NextMaster {
  readonly node: string;
  readonly by: "only" | "rank";
}

/**
 * Returns the node that would probably be the next master; undefined under a pause, where nobody is ready, or where several are and their reports do
 * not tell them apart. Not promised: elections ask the `candidate` hooks, which may know better by then.
 */
export function findNext({
  nodes,
  master,
  pause,
}: Pick<GroupStatus, "nodes" | "master"> & Partial<Pick<GroupStatus, "pause">>): NextMaster | undefined {
  if (master.kind !== "master" || pause) return undefined;
  const ready = nodes.filter(({ state, isMaster, hold }) => state === "ready" && !isMaster && !hold);
  const [first, ...others] = ready.toSorted((a, b) => lag(a) - lag(b));
  if (!first) return undefined;
  const [second] = others;
  if (!second) return { node: first.name, by: "only" };
  return lag(first) < lag(second) ? { node: first.name, by: "rank" } : undefined;
}

function lag({ report }: NodeStatus): number {
  return report?.behind ?? Number.MAX_VALUE;
}
