import { isSegment, type Lsn, parseLsn } from "./lsn.ts";

/** What a node knows of its own history without a running server. */
export interface OwnHistory {
  /** The newest timeline that it has a file of the log of; undefined without any. */
  readonly timeline: number | undefined;
  /** The first bytes of a record on that timeline, in hexadecimal digits. Both times and positions are in them. */
  readonly record: string | undefined;
}

/** What another server said of its history. */
export interface TheirHistory {
  readonly newest: number | undefined;
  /** The bytes at the place of `OwnHistory.record`; undefined where it has none there. */
  readonly record: string | undefined;
}

/**
 * `twin`: two promotions that did not know of each other made timelines of the same number. `parted`: the other server
 * is not on this node's newest timeline, and on none after it. `unknown`: the other server did not say.
 */
export type Kinship = "same" | "twin" | "parted" | "unknown";

/**
 * Returns whether two histories are one. Two promotions that did not know of each other begin timelines of the same
 * number; by number, and by where they begin, they may look the same, so bytes of a record are compared. A node that
 * knows the first timeline only is nobody's twin.
 */
export function compareHistories(own: OwnHistory, theirs: TheirHistory | undefined): Kinship {
  if (own.timeline === undefined || own.timeline === 1) return "same";
  if (theirs?.newest === undefined) return "unknown";
  if (theirs.newest < own.timeline) return "parted";
  if (theirs.newest > own.timeline || !own.record || !theirs.record) return "same";
  return own.record === theirs.record ? "same" : "twin";
}

/** Returns the newest timeline among the names of a `pg_wal` folder. */
export function newestTimeline(names: readonly string[]): number | undefined {
  const timelines = names.filter(isSegment).map((name) => name.slice(0, 8));
  const newest = timelines.sort().at(-1);
  return newest === undefined ? undefined : Number.parseInt(newest, 16);
}

/** Where a timeline branched off the one before. */
export interface Branch {
  /** The timeline before. */
  readonly timeline: number;
  readonly at: Lsn;
}

/** Returns where a timeline branched off the one before, by the text of its history file. */
export function branchOf(history: string): Branch | undefined {
  const lines = history.split("\n").map((line) => /^(\d+)\t([0-9A-F]+\/[0-9A-F]+)\t/.exec(line));
  const [, timeline = "", at = ""] = lines.findLast((line) => line !== null) ?? [];
  return at === "" ? undefined : { timeline: Number(timeline), at: parseLsn(at) };
}
