import type { LeaseId } from "@msdha/etcd-client";
import { askName } from "./ask.ts";
import type { Candidacy } from "./candidacy.ts";
import type { HandoverNote } from "./handover-note.ts";
import { compareRanks } from "./rank.ts";
import { readyNodes } from "./ready-nodes.ts";
import type { AnswerEntry, GroupView, NodeEntry } from "./view.ts";

/** A node that is ready, as far as a round of an election shows it. */
export interface Voter {
  readonly name: string;
  /** undefined: it has not answered in this round. */
  readonly candidacy: Candidacy | undefined;
  /** How long it may take to answer, in ms. */
  readonly timeoutMs: number;
}

/** The round of an election that is open in this view: the lock's holder asks all candidates. */
export function openRound({ election, lock }: GroupView): number | undefined {
  return election && election.lease === lock?.lease ? election.round : undefined;
}

/** Whether an operator's hold keeps a node from being the next master. */
export function isHeldBack({ asks }: Pick<GroupView, "asks">, name: string): boolean {
  return asks.has(askName("hold", name));
}

/** The ready nodes but `self` that no operator holds back: one of them can be the next master, if it is willing. */
export function listNext(view: Pick<GroupView, "asks" | "nodes">, self: string): readonly string[] {
  return readyNodes(view)
    .map(([name]) => name)
    .filter((name) => name !== self && !isHeldBack(view, name));
}

/**
 * Lists the ready nodes but `self`, with their answers in a round. A node that is not asked is willing, without a rank; one
 * that an operator holds back is not, and is not waited for.
 */
export function listVoters(view: GroupView, self: string, round: number | undefined): readonly Voter[] {
  return readyNodes(view)
    .filter(([name]) => name !== self)
    .map(([name, entry]) => {
      if (isHeldBack(view, name)) return { name, candidacy: { may: false }, timeoutMs: 0 };
      const timeoutMs = view.details.get(name)?.candidateTimeoutMs;
      if (timeoutMs === undefined) return { name, candidacy: { may: true }, timeoutMs: 0 };
      return { name, candidacy: answerIn(round, entry, view.answers.get(name)), timeoutMs };
    });
}

/** Whether any ready node but `self` is asked before it is promoted. */
export function anyIsAsked(view: GroupView, self: string): boolean {
  return listVoters(view, self, undefined).some(({ candidacy }) => candidacy === undefined);
}

/** Whether any ready node but `self` has said in this round that it is willing, or is not asked. */
export function anyIsWilling(view: GroupView, self: string, round: number | undefined): boolean {
  return listVoters(view, self, round).some(({ candidacy }) => candidacy?.may);
}

/**
 * Chooses the master among those that have answered: the highest rank, `self` among equals, then the name that comes
 * first. Returns undefined if no node may be master.
 */
export function chooseMaster(voters: readonly Voter[], self: string): string | undefined {
  const [best] = voters
    .filter(({ candidacy }) => candidacy?.may)
    .toSorted((a, b) => {
      const byRank = compareRanks(a.candidacy?.rank, b.candidacy?.rank);
      if (byRank !== 0) return byRank;
      if (a.name === self || b.name === self) return a.name === self ? -1 : 1;
      return a.name < b.name ? -1 : 1;
    });
  return best?.name;
}

/**
 * Whether a hand-over is for this node, and needs no election any more: one that is `asked` has said on this lease that it
 * may be master. A later run of the node has not, though it has the same name.
 */
export function isChosen(
  { answers }: Pick<GroupView, "answers">,
  handover: Pick<HandoverNote, "for"> | undefined,
  { name, lease, asked }: { readonly name: string; readonly lease: LeaseId; readonly asked: boolean },
): boolean {
  if (handover?.for !== name) return false;
  const answer = answers.get(name);
  return !asked || (answer?.may === true && answer.lease === lease);
}

function answerIn(
  round: number | undefined,
  { lease }: NodeEntry,
  answer: AnswerEntry | undefined,
): Candidacy | undefined {
  if (round === undefined || answer?.round !== round || answer.lease !== lease) return undefined;
  return { may: answer.may, rank: answer.rank };
}
