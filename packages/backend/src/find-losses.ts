import { listPossibleLosses, type MasterLock, type PossibleLoss } from "@msdha/group";
import type { Node } from "./node.ts";

/** Warns of what the promotion may lose, and returns it for the history. */
export function findLosses(
  { follower, membership, log }: Pick<Node, "follower" | "membership" | "log">,
  { handover }: Pick<MasterLock, "handover">,
): readonly PossibleLoss[] {
  const losses = listPossibleLosses(follower.view, {
    self: membership.name,
    masterStopped: handover?.masterStopped === true,
  });
  for (const { of, why } of losses) {
    log.warn({ node: of }, `promoting this node may lose data that only ${JSON.stringify(of)} has: ${why}`);
  }
  return losses;
}
