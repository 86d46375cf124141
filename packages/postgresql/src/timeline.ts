import { isSegment, type Lsn, parseLsn } from "./lsn.ts";

/** A timeline that a history goes through. */
interface Part {
  readonly timeline: number;
  readonly begin: Lsn;
  /** Undefined for the last one. */
  readonly end: Lsn | undefined;
}

/** The first bytes of a record, in hexadecimal digits. Both times and positions are in them. */
export interface RecordBytes {
  readonly timeline: number;
  readonly at: Lsn;
  readonly bytes: string;
}

/** What a node knows of its own history without a running server. */
export interface OwnHistory {
  /** The newest timeline that it has a file of the log of; undefined without any. */
  readonly timeline: number | undefined;
  /** The text of that timeline's history file; undefined where it is missing. */
  readonly history: string | undefined;
  /** Its latest checkpoint, and the first records of its timelines, as far as it has them. */
  readonly records: readonly RecordBytes[];
}

/** What another server said of its history. */
export interface TheirHistory {
  readonly newest: number | undefined;
  readonly history: string | undefined;
  /** The bytes at the places of `OwnHistory.records`; undefined where it has none there. */
  readonly records: readonly (string | undefined)[];
}

/**
 * `twin`: two promotions that did not know of each other made timelines of the same number. `parted`: the other server's
 * history left this node's before this node's newest timeline. `unknown`: the other server did not say.
 */
export type Kinship = "same" | "twin" | "parted" | "unknown";

/**
 * Returns whether two histories are one. Two promotions that did not know of each other begin timelines of the same
 * number; by number, and by where they begin, they may look the same, also when a newer one has begun since. So bytes of
 * records are compared: the first of a timeline has the time of the promotion, to the microsecond. A node that knows the
 * first timeline only is nobody's twin.
 */
export function compareHistories(own: OwnHistory, theirs: TheirHistory | undefined): Kinship {
  if (own.timeline === undefined || own.timeline === 1) return "same";
  if (theirs?.newest === undefined) return "unknown";
  const [ours, others] = [partsOf(own.timeline, own.history), partsOf(theirs.newest, theirs.history)];
  const differs = own.records.some(({ timeline, at, bytes }, index) => {
    const there = theirs.records[index];
    return there !== undefined && there !== bytes && mayShare(ours, others, timeline, at, theirs.newest);
  });
  if (differs) return "twin";
  if (theirs.newest < own.timeline) return "parted";
  const parted = ours.length > 0 && others.length > 0 && ours.some((part) => !isIn(others, part));
  if (!parted) return "same";
  return theirs.newest === own.timeline ? "twin" : "parted";
}

/** Whether the other history has the same place, by numbers and beginnings. */
function mayShare(
  ours: readonly Part[],
  others: readonly Part[],
  timeline: number,
  at: Lsn,
  newest: number | undefined,
): boolean {
  const part = others.find((one) => one.timeline === timeline);
  if (!part) return others.length === 0 && timeline === newest;
  const own = ours.find((one) => one.timeline === timeline);
  if (own && own.begin !== part.begin) return false;
  return part.end === undefined || at < part.end;
}

function isIn(parts: readonly Part[], { timeline, begin }: Part): boolean {
  return parts.some((part) => part.timeline === timeline && part.begin === begin);
}

/** Returns the timelines after the first one that a history goes through, with its own; none where its file is missing. */
export function partsOf(timeline: number, history: string | undefined): readonly Part[] {
  const branches = branchesOf(history ?? "");
  return branches.map(({ at }, index) => {
    const next = branches[index + 1];
    return { timeline: next?.timeline ?? timeline, begin: at, end: next?.at };
  });
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

/** Returns whether a history has left a timeline before this place. False where it has not, and where it is not known. */
export function leftBefore(
  { newest, history }: Pick<TheirHistory, "newest" | "history">,
  timeline: number,
  place: Lsn,
): boolean {
  if (newest === undefined || newest <= timeline) return false;
  return branchesOf(history ?? "").some((branch) => branch.timeline === timeline && branch.at < place);
}

/** Returns where a timeline, and those before it, branched off the one before, by the text of its history file; the oldest first. */
export function branchesOf(history: string): readonly Branch[] {
  return history.split("\n").flatMap((line) => {
    const [, timeline = "", at = ""] = /^(\d+)\t([0-9A-F]+\/[0-9A-F]+)\t/.exec(line) ?? [];
    return at === "" ? [] : [{ timeline: Number(timeline), at: parseLsn(at) }];
  });
}
