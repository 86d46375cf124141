import type { GroupView } from "@msdha/group";
import { refuse } from "../command-error.ts";
import { plain } from "../render/plain.ts";
import { findStrays } from "./describe-view.ts";

export interface OldNodesOptions {
  /** The nodes that have to understand the request. Default: all that there are. */
  readonly names?: readonly string[];
  /** Which of the requests of `ASKS` they have to understand. Default: the first ones. */
  readonly asks?: number;
}

/** Throws if nodes of this group would not understand a request, or if there are none. */
export function refuseOldNodes(
  view: GroupView,
  { names = [...view.nodes.keys()], asks = 1 }: OldNodesOptions = {},
): void {
  if (view.nodes.size === 0) throw refuse("no node has joined this group");
  const strays = findStrays(view).filter(({ name }) => names.includes(name));
  if (strays.length > 0) {
    const list = strays.map(({ key }) => plain(key, 1_000)).join(" ");
    throw refuse(`keys that no node wrote, as they have no lease: delete them first: etcdctl del ${list}`);
  }
  const old = names.filter((name) => (view.details.get(name)?.asks ?? 0) < asks);
  if (old.length === 0) return;
  const list = old.map((name) => plain(name)).join(", ");
  throw refuse(`nodes of an older version do not understand this request: ${list}. Nothing was changed`);
}
