import { type GroupView, mastership } from "@msdha/group";

/** What a read by quorum has shown. */
export interface MasterRead {
  /** When it was sent. */
  readonly sent: number;
  readonly view: GroupView;
}

/**
 * The latest time at which the master that a watch shows was surely the master, or was yet to become it: `-Infinity`
 * when the newest read does not bear it out. Without a master, when the newest read was sent.
 */
export function provenAt(latest: MasterRead | undefined, watched: GroupView): number {
  if (!latest) return Number.NEGATIVE_INFINITY;
  const master = mastership(watched);
  if (master.kind !== "master") return latest.sent;
  const published = watched.nodes.get(master.name)?.modRevision ?? 0;
  if (latest.view.revision < published) return latest.sent;
  const read = mastership(latest.view);
  return read.kind === "master" && read.token === master.token ? latest.sent : Number.NEGATIVE_INFINITY;
}
