import type { GroupView } from "@msdha/group";
import { type CommandError, refuse } from "../command-error.ts";
import { plain } from "../render/plain.ts";

/** The error of a node that a group has not. */
export function refuseUnknown({ nodes }: GroupView, node: string): CommandError {
  const known = [...nodes.keys()].sort().map((name) => plain(name));
  return refuse(`no node ${plain(JSON.stringify(node))} in this group, expected one of: ${known.join(", ")}`);
}
