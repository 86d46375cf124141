import type { AnswerEntry, GroupView } from "./view.ts";

/** What the promotion of a node may lose. */
export interface PossibleLoss {
  /** The node that may have data which the new master lacks. */
  readonly of: string;
  readonly why: string;
}

/**
 * Lists whose data the promotion of `self` may lose, by what this node has seen: those of the last master, unless it
 * stopped in peace or took part in the election; and those of a node that said a higher rank and does not take part.
 * The election is the one that was opened last. This node's own answer to it may not be in the view yet.
 */
export function listPossibleLosses(
  view: Pick<GroupView, "nodes" | "answers" | "announced" | "election" | "lastMaster">,
  { self, masterStopped }: { readonly self: string; readonly masterStopped: boolean },
): readonly PossibleLoss[] {
  const answerOf = (name: string): AnswerEntry | undefined => {
    const answer = view.answers.get(name);
    return answer?.round === view.election?.round ? answer : undefined;
  };
  const takesPart = (name: string): boolean => {
    const answer = answerOf(name);
    const node = view.nodes.get(name);
    return answer?.may === true && node?.state === "ready" && node.lease === answer.lease;
  };
  const losses: PossibleLoss[] = [];
  const { lastMaster } = view;
  if (lastMaster !== undefined && lastMaster !== self && !masterStopped && !takesPart(lastMaster)) {
    losses.push({
      of: lastMaster,
      why: "it was the last master, did not stop in peace, and is no candidate",
    });
  }
  const own = answerOf(self);
  for (const [name, rank] of view.announced) {
    if (name === self || (own?.rank !== undefined && own.rank >= rank) || takesPart(name)) continue;
    losses.push({ of: name, why: `it had the higher rank ${rank}, and is no candidate any more` });
  }
  return losses;
}
