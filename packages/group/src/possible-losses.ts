import type { GroupView } from "./view.ts";

/** What the promotion of a node may lose. */
export interface PossibleLoss {
  /** The node that may have data which the new master lacks. */
  readonly of: string;
  readonly why: string;
}

/**
 * Lists whose data the promotion of `self` may lose, by what this node has seen: those of the last master, unless it
 * stopped in peace or took part in the election; and those of a node that said a higher rank and does not take part.
 */
export function listPossibleLosses(
  view: Pick<GroupView, "nodes" | "answers" | "announced" | "lastMaster">,
  { self, masterStopped }: { readonly self: string; readonly masterStopped: boolean },
): readonly PossibleLoss[] {
  const own = view.answers.get(self);
  const takesPart = (name: string): boolean => {
    const answer = view.answers.get(name);
    const node = view.nodes.get(name);
    if (!answer?.may || node?.state !== "ready" || node.lease !== answer.lease) return false;
    return answer.round === own?.round;
  };
  const losses: PossibleLoss[] = [];
  const { lastMaster } = view;
  if (lastMaster !== undefined && lastMaster !== self && !masterStopped && !takesPart(lastMaster)) {
    losses.push({
      of: lastMaster,
      why: "it was the last master, did not stop in peace, and is no candidate",
    });
  }
  for (const [name, rank] of view.announced) {
    if (name === self || (own?.rank !== undefined && own.rank >= rank) || takesPart(name)) continue;
    losses.push({ of: name, why: `it had the higher rank ${rank}, and is no candidate any more` });
  }
  return losses;
}
