import type { TakenAfter } from "@msdha/etcd-lock";
import { parseObject } from "./parse-object.ts";

/** The time of one master, from its publication to its end: a record of the group's history. Times are for people. */
export interface Term {
  /** The fencing token: there is one record for each. */
  readonly token: number;
  readonly node: string;
  /** The run of that node. */
  readonly run: string;
  /** When it was published, by its machine's wall clock, in ms since 1970. */
  readonly beganAt: number;
  readonly takenAfter: TakenAfter;
  /** The master before it, if one is known. */
  readonly from?: string | undefined;
  /** How long the group had been without a master, by the clock of this one; undefined if it did not see all of it. */
  readonly gapMs?: number | undefined;
  /** What its promotion may have lost; undefined: nothing that is known of. */
  readonly losses?: string | undefined;
  readonly end?: TermEnd | undefined;
}

/** How a master's time ended. A term without an end goes on, or nobody has been able to write its end yet. */
export interface TermEnd {
  readonly why: string;
  /** By the wall clock of the node's machine, in ms since 1970; undefined if that is not known. */
  readonly at?: number | undefined;
  /** `itself`: written as it gave the lock back. `next_run`: found by the node's next run. */
  readonly by: "itself" | "next_run";
}

/** How many bytes the record of one may have. */
export const TERM_BYTES = 512;

/** The value of a term's key: JSON of at most 512 bytes. Texts that do not fit are cut, reasons before names. */
export function writeTerm(term: Term): string {
  for (const longestName of [Number.POSITIVE_INFINITY, 100]) {
    for (let longest = TERM_BYTES; longest >= 1; longest = Math.floor(longest * 0.8)) {
      const text = JSON.stringify(cutTexts(term, longest, Math.max(longest, longestName)));
      if (Buffer.byteLength(text) <= TERM_BYTES) return text;
    }
  }
  throw new RangeError(`expected a term that fits into ${TERM_BYTES} bytes`);
}

/** Reads a term's record; undefined for anything that a node can't have written. */
export function parseTerm(token: number, text: string): Term | undefined {
  const { node, run, beganAt, takenAfter, from, gapMs, losses, end } = parseObject(text);
  if (!Number.isSafeInteger(token) || typeof node !== "string" || typeof run !== "string") return undefined;
  if (!isTime(beganAt) || (takenAfter !== "handover" && takenAfter !== "wait")) return undefined;
  return {
    token,
    node,
    run,
    beganAt,
    takenAfter,
    from: typeof from === "string" ? from : undefined,
    gapMs: isTime(gapMs) ? gapMs : undefined,
    losses: typeof losses === "string" ? losses : undefined,
    end: parseEnd(end),
  };
}

function parseEnd(value: unknown): TermEnd | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { why, at, by } = value as Partial<Record<string, unknown>>;
  if (typeof why !== "string" || (by !== "itself" && by !== "next_run")) return undefined;
  return { why, at: isTime(at) ? at : undefined, by };
}

/** Whether a value can be a time or a length of time in ms. */
export function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= 8.64e15;
}

function cutTexts(
  { token: _, node, run, from, losses, end, ...numbers }: Term,
  longest: number,
  longestName: number,
): object {
  return {
    ...numbers,
    node: cutText(node, longestName),
    run: cutText(run, longestName),
    from: from === undefined ? undefined : cutText(from, longest),
    losses: losses === undefined ? undefined : cutText(losses, longest),
    end: end && { ...end, why: cutText(end.why, longest) },
  };
}

/** Cuts between characters, to so many bytes as JSON has them; a cut text ends with `…`. */
function cutText(text: string, longest: number): string {
  let bytes = 0;
  let kept = "";
  for (const character of text) {
    bytes += Buffer.byteLength(JSON.stringify(character)) - 2;
    if (bytes > longest) return `${kept}…`;
    kept += character;
  }
  return text;
}
