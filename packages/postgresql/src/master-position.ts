import type { Lsn } from "./lsn.ts";
import { formatBranches, type Position, parseBranches } from "./position.ts";
import { formatSize } from "./sizes.ts";
import type { Branch } from "./timeline.ts";

/** How far a master was when it last told the group. */
export interface MasterPosition {
  readonly master: string;
  readonly timeline: number;
  readonly bytes: Lsn;
  /** Where its timelines branched off the one before, oldest first; none on the first timeline, and where it does not know. */
  readonly branches: readonly Branch[];
}

/** A node that has not followed for so many promotions is taken for one that left at the oldest of them. */
const MOST_BRANCHES = 20;

/** Returns the line that a master puts for the group: `TIMELINE BYTES MASTER [TIMELINE:BYTES ...]`. */
export function formatMasterPosition({ master, timeline, bytes, branches }: MasterPosition): string {
  return `${timeline} ${bytes} ${master} ${formatBranches(branches.slice(-MOST_BRANCHES))}`.trim();
}

/** Returns what a master has put; undefined where nothing was, or nothing that is one. */
export function parseMasterPosition(line: string | undefined): MasterPosition | undefined {
  const match = /^(\d+) (\d+) (\S+)((?: \d+:\d+)*)$/.exec(line?.trim() ?? "");
  if (!match) return undefined;
  const [, timeline = "", bytes = "", master = "", branches = ""] = match;
  return { master, timeline: Number(timeline), bytes: BigInt(bytes), branches: parseBranches(branches) };
}

/** How far a node is. */
type OwnPosition = Pick<Position, "timeline" | "bytes" | "branches">;

/**
 * Returns how many bytes of the log this node lacks of what the master had, as far as positions tell. What a node has beyond the place
 * where the two histories parted counts for nothing, whichever timelines it was written on: another master's, or a former one's. Not
 * noticed: timelines of the same number that began at the same place.
 */
export function lagBehind(own: OwnPosition, master: MasterPosition): number {
  const common = commonWith(own, master);
  return common >= master.bytes ? 0 : Number(master.bytes - common);
}

/** Returns up to where the two have the same log. */
function commonWith(own: OwnPosition, master: MasterPosition): Lsn {
  const [ours, theirs] = [endsOf(own), endsOf(master)];
  // One of them does not know its history: a timeline is known by its number then.
  if (!theirs) return own.timeline > master.timeline ? master.bytes : own.bytes;
  if (!ours) {
    const left = theirs.find(({ timeline }) => timeline >= own.timeline);
    return left === undefined ? master.bytes : least(own.bytes, left.end);
  }
  const oldest = theirs[0]?.timeline ?? 0;
  // Of a node whose history goes through none of the timelines that are told of.
  let common = least(own.bytes, theirs[0]?.end ?? 0n);
  for (const [index, one] of ours.filter(({ timeline }) => timeline >= oldest).entries()) {
    const other = theirs[index];
    if (one.timeline !== other?.timeline) return common;
    common = least(one.end, other.end);
    if (one.end !== other.end) return common;
  }
  return common;
}

/** Returns the timelines that a history goes through, and where each ends; undefined where that is not known. */
function endsOf({
  timeline,
  bytes,
  branches = [],
}: OwnPosition): readonly { readonly timeline: number; readonly end: Lsn }[] | undefined {
  if (timeline > 1 && branches.length === 0) return undefined;
  return [
    ...branches.map((branch) => ({ timeline: branch.timeline, end: branch.at })),
    { timeline, end: bytes },
  ];
}

function least(one: Lsn, other: Lsn): Lsn {
  return one < other ? one : other;
}

/** Returns why a node that is so far behind may not be promoted; undefined where it may. */
export function refuseLag(
  own: OwnPosition,
  master: MasterPosition | undefined,
  maxLag: number,
): string | undefined {
  if (!master) return undefined;
  const lag = lagBehind(own, master);
  if (lag <= maxLag) return undefined;
  return (
    `lacks ${formatSize(lag)} of what ${master.master} had, more than MSDHA_PG_MAX_LAG (${formatSize(maxLag)}): ` +
    "waiting for a node that has more"
  );
}
