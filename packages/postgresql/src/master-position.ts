import type { Lsn } from "./lsn.ts";
import type { Position } from "./position.ts";
import { formatSize } from "./sizes.ts";

/** How far a master was when it last told the group. */
export interface MasterPosition {
  readonly master: string;
  readonly timeline: number;
  readonly bytes: Lsn;
}

/** Returns the line that a master puts for the group. */
export function formatMasterPosition({ master, timeline, bytes }: MasterPosition): string {
  return `${timeline} ${bytes} ${master}`;
}

/** Returns what a master has put; undefined where nothing was, or nothing that is one. */
export function parseMasterPosition(line: string | undefined): MasterPosition | undefined {
  const match = /^(\d+) (\d+) (\S+)$/.exec(line?.trim() ?? "");
  if (!match) return undefined;
  const [, timeline = "", bytes = "", master = ""] = match;
  return { master, timeline: Number(timeline), bytes: BigInt(bytes) };
}

/**
 * Returns how many bytes of the log this node lacks of what the master had, as far as positions tell. 0 for a node on a
 * newer timeline: the master's position is older than the promotion that began it.
 */
export function lagBehind(own: Pick<Position, "timeline" | "bytes">, master: MasterPosition): number {
  if (own.timeline > master.timeline || own.bytes >= master.bytes) return 0;
  return Number(master.bytes - own.bytes);
}

/** Returns why a node that is so far behind may not be promoted; undefined where it may. */
export function refuseLag(
  own: Pick<Position, "timeline" | "bytes">,
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
