import { parseObject } from "./parse-object.ts";
import { parseRank } from "./rank.ts";

/** What a node says of itself in an election. */
export interface Candidacy {
  /** Whether it may become master now. */
  readonly may: boolean;
  /** The more the better (the bytes of a log that it has, say). A node without one comes after those that have one. */
  readonly rank?: bigint | undefined;
}

/** A node that is asked before it is promoted: one with a `candidate` hook. */
export interface Candidate {
  /** Asks it. Rejects with the reason of `signal`, or when it can't be asked at all. */
  ask(options: { readonly signal: AbortSignal }): Promise<Candidacy>;
  /** Whether its last answer was no. */
  readonly refused: boolean;
}

/** What a node has said in a round of an election: the value of its `_rank` key. */
export interface Answer extends Candidacy {
  /** The round that it answers: the revision of the `_election` key. */
  readonly round: number;
}

export function writeAnswer({ round, may, rank }: Answer): string {
  return JSON.stringify({ round, may, rank: rank === undefined ? undefined : String(rank) });
}

/** Reads an answer; undefined for anything that a node can't have written. */
export function parseAnswer(text: string): Answer | undefined {
  const { round, may, rank } = parseObject(text);
  if (typeof round !== "number" || typeof may !== "boolean") return undefined;
  if (rank === undefined) return { round, may };
  const read = typeof rank === "string" ? parseRank(rank) : undefined;
  return read === undefined ? undefined : { round, may, rank: read };
}
