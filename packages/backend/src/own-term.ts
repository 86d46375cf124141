import {
  type Ask,
  listForgottenTerms,
  type MasterLock,
  type PossibleLoss,
  type PublishOptions,
  type Term,
  type TermEnd,
} from "@msdha/group";
import { describeEnding, type Ending } from "./ending.ts";
import type { Node } from "./node.ts";

/** Returns what the group's history is to say of this node's time as the master, which begins now. */
export function beginTerm(
  { clock, files, follower, membership, wallNow }: Node,
  { token, takenAfter }: MasterLock,
  losses: readonly PossibleLoss[],
  order: Ask | undefined,
): Term {
  const { masterSeen, view } = follower;
  return {
    token,
    node: membership.name,
    run: files.runId,
    beganAt: Math.round(wallNow()),
    takenAfter,
    from: view.lastMaster,
    gapMs: masterSeen === undefined ? undefined : Math.round(clock.now() - masterSeen),
    losses: describeLosses(losses, order),
  };
}

/** Describes the possible losses for the history. The operator who accepted them comes first: a record has a limit. */
function describeLosses(losses: readonly PossibleLoss[], order: Ask | undefined): string | undefined {
  const why = order === undefined || order.why === "" ? "" : `: ${order.why}`;
  const accepted = order ? [`accepted by ${order.by === "" ? "an operator" : order.by}${why}`] : [];
  const parts = [...accepted, ...losses.map((loss) => `of ${loss.of}: ${loss.why}`)];
  return parts.length === 0 ? undefined : parts.join("; ");
}

/** Returns the record of a master that takes connections only so long after its publication: nobody did until then. */
export function openTerm(term: Term, afterMs: number): Term {
  return term.gapMs === undefined ? term : { ...term, gapMs: term.gapMs + Math.round(afterMs) };
}

/** Returns the record for the publication, and which records are forgotten for it. */
export function recordOf({ follower }: Node, term: Term): PublishOptions["history"] {
  return { term, forget: listForgottenTerms(follower.view) };
}

/** Returns how this node's time as the master has ended. */
export function endOfTerm(
  { wallNow }: Pick<Node, "wallNow">,
  ending: Ending,
): TermEnd & { readonly at: number } {
  return { why: describeEnding(ending), at: Math.round(wallNow()), by: "itself" };
}
