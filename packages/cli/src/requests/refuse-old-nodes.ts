import type { GroupView } from "@msdha/group";
import { refuse } from "../command-error.ts";
import { plain } from "../render/plain.ts";

/** Throws if nodes of this group would not understand a request, or if there are none. Default: all that there are. */
export function refuseOldNodes(view: GroupView, names: readonly string[] = [...view.nodes.keys()]): void {
  if (view.nodes.size === 0) throw refuse("no node has joined this group");
  const old = names.filter((name) => !view.details.get(name)?.asks);
  if (old.length === 0) return;
  throw refuse(`nodes of an older version take no requests: ${old.map((name) => plain(name)).join(", ")}`);
}
