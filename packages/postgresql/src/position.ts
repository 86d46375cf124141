import type { Lsn } from "./lsn.ts";
import type { Branch } from "./timeline.ts";

/**
 * How far a server is. `settled` is false while the end of its log is not known: it has not read all that it has.
 * `free` is true for a standby that follows nobody: no server that it once followed can send it anything.
 */
export interface Position {
  readonly timeline: number;
  /** The end of the log on its disk. */
  readonly bytes: Lsn;
  /** Where its timeline began. */
  readonly began: Lsn;
  /** Where its timelines branched off the one before, oldest first; none on the first timeline, and where it does not know. */
  readonly branches?: readonly Branch[];
  readonly standby: boolean;
  readonly settled: boolean;
  readonly free: boolean;
}

/** Whether a standby has read all log that any source has, and waits for more. */
export const WAITS_FOR_LOG_SQL = `EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'startup'
      AND wait_event IN ('RecoveryWalStream', 'RecoveryRetrieveRetryInterval'))`;

/**
 * Asks a server for its position, in one statement without a semicolon. The receiver says what is on the disk; when it
 * starts it says the beginning of a segment, which may be less than what was replayed.
 */
export const POSITION_SQL: string = `SELECT timeline, pg_wal_lsn_diff(position, '0/0'),
    pg_wal_lsn_diff(coalesce(began, position), '0/0'),
    pg_is_in_recovery(),
    pg_last_wal_receive_lsn() IS NOT NULL OR ${WAITS_FOR_LOG_SQL},
    coalesce(current_setting('msdha.follows', true), '') = '' AND NOT EXISTS (SELECT FROM pg_stat_wal_receiver),
    branches
  FROM (SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())) AS a (position),
    (SELECT max(left(name, 8)) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$') AS b (timeline_name),
    LATERAL (SELECT ('x' || timeline_name)::bit(32)::int) AS c (timeline),
    LATERAL (SELECT max(split_part(line, E'\\t', 2)::pg_lsn),
      string_agg(split_part(line, E'\\t', 1) || ':' || pg_wal_lsn_diff(split_part(line, E'\\t', 2)::pg_lsn, '0/0'), ' '
        ORDER BY split_part(line, E'\\t', 1)::bigint) FROM regexp_split_to_table(
      convert_from(pg_read_binary_file('pg_wal/' || timeline_name || '.history', 0, 1000000, true), 'UTF8'), '\\n') AS line
      WHERE line ~ '^[0-9]+\\t') AS d (began, branches)`;

/** Returns the position in an answer to `POSITION_SQL`; undefined where the server has none yet. */
export function readPosition(row: readonly (string | null)[] | undefined): Position | undefined {
  const [timeline, bytes, began, standby, settled, free, branches] = row ?? [];
  if (!timeline || !bytes || !began) return undefined;
  return {
    timeline: Number(timeline),
    bytes: BigInt(bytes),
    began: BigInt(began),
    branches: parseBranches(branches ?? ""),
    standby: standby === "t",
    settled: settled === "t",
    free: free === "t",
  };
}

/** Returns branches as they are written for the group: `TIMELINE:BYTES`, one after the other. */
export function formatBranches(branches: readonly Branch[]): string {
  return branches.map(({ timeline, at }) => `${timeline}:${at}`).join(" ");
}

export function parseBranches(text: string): readonly Branch[] {
  return [...text.matchAll(/(\d+):(\d+)/g)].map(([, timeline, at]) => ({
    timeline: Number(timeline),
    at: BigInt(at ?? 0),
  }));
}

const HIGHEST_TIMELINE = 19_999;
const HIGHEST_WRITTEN = 99_999_999_999n;

/**
 * Returns the rank of a candidate, a whole number of 15 digits at most. A newer timeline outranks every older one, up
 * to number 19,999; on one timeline counts what was written since it began, in steps of 8 bytes (records are aligned
 * to them), up to 800 GB. Beyond, nodes rank alike.
 */
export function rankOf({ timeline, bytes, began }: Pick<Position, "timeline" | "bytes" | "began">): bigint {
  const written = (timeline > 1 ? bytes - began : bytes) / 8n;
  const capped = written > HIGHEST_WRITTEN ? HIGHEST_WRITTEN : written;
  return BigInt(Math.min(timeline, HIGHEST_TIMELINE) - 10_000) * (HIGHEST_WRITTEN + 1n) + capped;
}

/** Returns a number below, of or above zero where the first has less, as much or more. A newer timeline is always ahead. */
export function comparePositions(
  one: Pick<Position, "timeline" | "bytes">,
  other: Pick<Position, "timeline" | "bytes">,
): number {
  if (one.timeline !== other.timeline) return one.timeline - other.timeline;
  return one.bytes === other.bytes ? 0 : one.bytes > other.bytes ? 1 : -1;
}
