import type { Lsn } from "./lsn.ts";
import type { Position } from "./position.ts";
import { formatSize } from "./sizes.ts";

/** How far a master was when it last told the group. */
export interface MasterPosition {
  readonly master: string;
  readonly timeline: number;
  readonly bytes: Lsn;
  /** Where its timeline branched off the one before; undefined on the first. */
  readonly began?: Lsn | undefined;
}

/** Returns the line that a master puts for the group. */
export function formatMasterPosition({ master, timeline, bytes, began }: MasterPosition): string {
  return `${timeline} ${bytes} ${master}${began === undefined ? "" : ` ${began}`}`;
}

/** Returns what a master has put; undefined where nothing was, or nothing that is one. */
export function parseMasterPosition(line: string | undefined): MasterPosition | undefined {
  const match = /^(\d+) (\d+) (\S+)(?: (\d+))?$/.exec(line?.trim() ?? "");
  if (!match) return undefined;
  const [, timeline = "", bytes = "", master = "", began] = match;
  const branch = began === undefined ? {} : { began: BigInt(began) };
  return { master, timeline: Number(timeline), bytes: BigInt(bytes), ...branch };
}

/** How far a node is. */
type OwnPosition = Pick<Position, "timeline" | "bytes"> & Partial<Pick<Position, "began">>;

/**
 * Returns how many bytes of the log this node lacks of what the master had, as far as positions tell. 0 for a node on a
 * newer timeline: the master's position is older than the promotion that began it. What a node has beyond the place where the
 * master's timeline branched off its own is a former master's: it counts for nothing. Not noticed: another timeline of the same
 * number that began at the same place.
 */
export function lagBehind(own: OwnPosition, master: MasterPosition): number {
  if (own.timeline > master.timeline) return 0;
  const common = commonWith(own, master);
  return common >= master.bytes ? 0 : Number(master.bytes - common);
}

/** Returns up to where the two have the same log. */
function commonWith(own: OwnPosition, { timeline, began }: MasterPosition): Lsn {
  if (began === undefined) return own.bytes;
  const least = (one: Lsn, other: Lsn): Lsn => (one < other ? one : other);
  if (own.timeline < timeline) return least(own.bytes, began);
  // A node that does not know where its timeline began says that it began at its end.
  const isTwin = own.began !== undefined && own.began !== began && own.began !== own.bytes;
  return isTwin ? least(own.began, began) : own.bytes;
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
