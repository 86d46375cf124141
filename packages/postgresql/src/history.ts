import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { isRefusal } from "./connection.ts";
import type { HookContext } from "./context.ts";
import { readControlFile } from "./control-file.ts";
import { HookFailure, messageOf } from "./failure.ts";
import { parseLsn, segmentNumber, timelineDigits } from "./lsn.ts";
import { slotOf } from "./names.ts";
import { type Peer, PeerSilentError } from "./peer.ts";
import { noteSlot } from "./slot-note.ts";
import {
  type Branch,
  branchesOf,
  compareHistories,
  type Kinship,
  newestTimeline,
  type OwnHistory,
  partsOf,
  type RecordBytes,
  type TheirHistory,
} from "./timeline.ts";

export interface HistoryAnswer {
  readonly kinship: Kinship;
  /** This node's replication slot there; empty where there is none. */
  readonly slot: string;
  /** Why there is none. */
  readonly whyNoSlot: string;
  /** Why the other server did not say, where it did not. */
  readonly why: string;
  /** What the other server said; undefined where it did not. */
  readonly theirs: TheirHistory | undefined;
}

/** A record that is compared, and the file that it is in. */
interface ComparedRecord extends RecordBytes {
  readonly segment: string;
  readonly offset: number;
  readonly segmentBytes: number;
}

const RECORD_BYTES = 24;
/** Where in a record the position of the one before is. */
const PREVIOUS_AT = 8;
/** Of so many timelines the first records are compared, the newest ones. */
const COMPARED_TIMELINES = 4;

/**
 * Resolves with whether another server's history is this node's. Works with this node's server down too. `reserve` has
 * the other one keep what this node has not received yet, in the same question. Rejects with a `HookFailure` where no
 * waiting mends what the other one says.
 */
export async function askHistory(
  context: HookContext,
  peer: Peer,
  { reserve = false }: { readonly reserve?: boolean } = {},
): Promise<HistoryAnswer> {
  const { settings } = context;
  const timeline = newestTimelineOf(context);
  const history = timeline === undefined ? undefined : historyOf(context, timeline);
  const records =
    timeline === undefined || timeline === 1 ? [] : await readRecords(context, timeline, history);
  const own: OwnHistory = { timeline, history, records };
  const theirs = [THEIR_HISTORY_SQL, ...records.map(recordSql)].join(", ");
  const { reserveSql, slotSql } = slotStatements(settings.name, settings.slotKeep);
  const question = `SELECT max(left(name, 8)), ${slotSql}, ${SLOT_ERROR_SQL}, ${theirs} FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'`;
  try {
    const { row, refusal } = await ask(peer, reserve ? reserveSql : "", question);
    const [newest, slot, slotError, theirHistory, ...theirRecords] = row;
    const answer = {
      newest: newest ? Number.parseInt(newest, 16) : undefined,
      history: theirHistory ?? undefined,
      records: theirRecords.map((bytes, index) => validBytes(bytes, records[index])),
    };
    return {
      kinship: compareHistories(own, answer),
      slot: slot ?? "",
      whyNoSlot: refusal || (slotError ?? ""),
      why: "it has no log",
      theirs: answer,
    };
  } catch (error) {
    if (error instanceof HookFailure) throw error;
    const why = messageOf(error);
    return { kinship: compareHistories(own, undefined), slot: "", whyNoSlot: why, why, theirs: undefined };
  }
}

/** A server whose connections clients have taken answers a single statement only, and makes no slot (`refusal`). */
async function ask(
  peer: Peer,
  reserveSql: string,
  question: string,
): Promise<{ readonly row: readonly (string | null)[]; readonly refusal: string }> {
  let refusal = "";
  if (reserveSql !== "") {
    try {
      return { row: (await peer.query(`${reserveSql}; ${question}`))[0] ?? [], refusal };
    } catch (error) {
      refusal = messageOf(error);
      if (!(error instanceof PeerSilentError) || !isRefusal(error.cause)) throw error;
    }
  }
  return { row: (await peer.query(question))[0] ?? [], refusal };
}

/** Has a server keep what this node has not received yet; resolves with the slot, empty where there is none. */
export async function reserveLog(context: HookContext, peer: Peer): Promise<string> {
  const { settings } = context;
  const { reserveSql, slotSql } = slotStatements(settings.name, settings.slotKeep);
  if (reserveSql === "") return "";
  let slot = "";
  let why = "";
  try {
    const rows = await peer.query(`${reserveSql}; SELECT ${slotSql}, ${SLOT_ERROR_SQL}`);
    slot = rows[0]?.[0] ?? "";
    why = rows[0]?.[1] ?? "";
  } catch (error) {
    if (error instanceof HookFailure) throw error;
    why = messageOf(error);
  }
  noteSlot(context, peer.address, { slot, why });
  return slot;
}

/** Why this session could not make a slot. */
const SLOT_ERROR_SQL = "current_setting('msdha.slot_error', true)";

/** A statement that makes the slot and never fails, and an expression for the slot that there is then. */
function slotStatements(node: string, slotKeep: string): { reserveSql: string; slotSql: string } {
  if (slotKeep === "0") return { reserveSql: "", slotSql: "''" };
  const slot = slotOf(node);
  const slotSql = `(SELECT slot_name FROM pg_replication_slots WHERE slot_name = '${slot}')`;
  const reserveSql = `DO $$ BEGIN
    PERFORM set_config('msdha.slot_error', '', false);
    PERFORM pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_name = '${slot}' AND wal_status = 'lost' AND NOT active;
    IF ${slotSql} IS NULL THEN
      PERFORM pg_create_physical_replication_slot('${slot}', true);
    END IF;
  EXCEPTION WHEN OTHERS THEN PERFORM set_config('msdha.slot_error', SQLERRM, false); END $$`;
  return { reserveSql, slotSql };
}

/** Returns the newest timeline that the data have a file of the log of; undefined without any. */
export function newestTimelineOf({ account, settings }: HookContext): number | undefined {
  return account.act(() => newestTimeline(walFiles(settings.data)));
}

/** Returns the names in the log's folder. */
export function walFiles(data: string): readonly string[] {
  try {
    return readdirSync(join(data, "pg_wal"));
  } catch {
    return [];
  }
}

const THEIR_HISTORY_SQL =
  "convert_from(pg_read_binary_file('pg_wal/' || max(left(name, 8)) || '.history', 0, 1000000, true), 'UTF8')";

/** A file that its timeline ended in may have been renamed. */
function recordSql({ segment, offset }: ComparedRecord): string {
  const read = (name: string): string =>
    `encode(pg_read_binary_file('pg_wal/${name}', ${offset}, ${RECORD_BYTES}, true), 'hex')`;
  return `coalesce(${read(segment)}, ${read(`${segment}.partial`)})`;
}

/** Resolves with the latest checkpoint's record and the first ones of the newest timelines, as far as their files are there. */
async function readRecords(
  context: HookContext,
  timeline: number,
  history: string | undefined,
): Promise<readonly ComparedRecord[]> {
  const control = await readControlFile(context);
  const segmentBytes = Number(control.get("Bytes per WAL segment"));
  if (!segmentBytes) return [];
  const checkpoint = {
    timeline: Number(control.get("Latest checkpoint's TimeLineID")),
    at: parseLsn(control.get("Latest checkpoint location") ?? ""),
  };
  const firsts = partsOf(timeline, history).slice(-COMPARED_TIMELINES);
  const places = [checkpoint, ...firsts.map((part) => ({ timeline: part.timeline, at: part.begin }))];
  return context.account.act(() =>
    places.flatMap(({ timeline, at }) => {
      const segment = timelineDigits(timeline) + segmentNumber(at, segmentBytes);
      const offset = Number((at & 0xffffffffn) % BigInt(segmentBytes));
      const bytes = validBytes(readBytes(join(context.settings.data, "pg_wal", segment), offset), {
        at,
        segmentBytes,
      });
      return bytes === undefined ? [] : [{ timeline, at, segment, offset, bytes, segmentBytes }];
    }),
  );
}

/** Returns where a timeline of the data, and those before it, branched off the one before; none where the data do not say. */
export function branchesOfTimeline({ files, settings }: HookContext, timeline: number): readonly Branch[] {
  return branchesOf(historyOf({ files, settings }, timeline) ?? "");
}

function historyOf(
  { files, settings }: Pick<HookContext, "files" | "settings">,
  timeline: number,
): string | undefined {
  return files.read(join(settings.data, "pg_wal", `${timelineDigits(timeline)}.history`));
}

/**
 * Returns the bytes where they may be those of a record at that place: a record says where the one before it is. A file of the log that is
 * used again holds older ones, until it is written.
 */
function validBytes(
  bytes: string | null | undefined,
  place: Pick<ComparedRecord, "at" | "segmentBytes"> | undefined,
): string | undefined {
  if (!bytes || !place || bytes.length < 2 * RECORD_BYTES) return undefined;
  const before = Buffer.from(bytes, "hex").readBigUInt64LE(PREVIOUS_AT);
  return before < place.at && place.at - before < BigInt(place.segmentBytes) ? bytes : undefined;
}

function readBytes(path: string, offset: number): string | undefined {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(RECORD_BYTES);
      return bytes.subarray(0, readSync(file, bytes, 0, RECORD_BYTES, offset)).toString("hex") || undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
