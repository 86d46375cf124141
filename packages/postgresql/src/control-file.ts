import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { type ControlData, readControlData } from "./control-data.ts";
import { formatLsn } from "./lsn.ts";

/**
 * Resolves with the fields of a data directory's control data that are asked for while clients wait, under the names that
 * `pg_controldata` gives them: state and latest checkpoint, its timeline, and the bytes of a segment. Reads the file itself, which starts
 * no program; where it does not know the file, `pg_controldata` reads it. Empty where they can't be read.
 */
export async function readControlFile(context: HookContext): Promise<ControlData> {
  const { account, settings } = context;
  const known = account.act(() => readKnown(join(settings.data, "global/pg_control")));
  return known ?? (await readControlData(context));
}

function readKnown(path: string): ControlData | undefined {
  try {
    return parseControlFile(readFileSync(path));
  } catch {
    return undefined;
  }
}

/** The versions of the format that begin alike: PostgreSQL 13 to 16, 17, and 18. */
const VERSIONS = [1300, 1700, 1800];
const STATES = [
  "starting up",
  "shut down",
  "shut down in recovery",
  "shutting down",
  "in crash recovery",
  "in archive recovery",
  "in production",
];
/** Where a field is, in bytes. */
const AT = { version: 8, state: 16, checkpoint: 32, redo: 40, timeline: 48 } as const;
/** The file is this long at least; what follows the fields and their checksum is zero. */
const LEAST_BYTES = 512;
/** A constant of the format. The bytes of a segment are so far behind it. */
const FLOAT_FORMAT = 1_234_567;
const SEGMENT_BYTES_BEHIND = 20;

/** Returns the fields; undefined for another format, another byte order and a file whose checksum is not right. */
export function parseControlFile(file: Buffer): ControlData | undefined {
  if (file.length < LEAST_BYTES || !VERSIONS.includes(file.readUInt32LE(AT.version))) return undefined;
  const end = findChecksum(file);
  const state = STATES[file.readUInt32LE(AT.state)];
  const float = end === undefined ? undefined : findFloatFormat(file, end);
  if (state === undefined || float === undefined) return undefined;
  // A shutdown's checkpoint begins where it is: that the fields are where they are expected shows here.
  const [checkpoint, redo] = [file.readBigUInt64LE(AT.checkpoint), file.readBigUInt64LE(AT.redo)];
  if (redo > checkpoint || (state === "shut down" && redo !== checkpoint)) return undefined;
  return new Map([
    ["Database cluster state", state],
    ["Latest checkpoint location", formatLsn(checkpoint)],
    ["Latest checkpoint's TimeLineID", String(file.readUInt32LE(AT.timeline))],
    ["Bytes per WAL segment", String(file.readUInt32LE(float + SEGMENT_BYTES_BEHIND))],
  ]);
}

/** Returns where the fields end and their checksum is: each version has as many fields as it likes. */
function findChecksum(file: Buffer): number | undefined {
  let register = 0xffffffff;
  for (let at = 0; at + 4 <= LEAST_BYTES; at += 1) {
    if (at > AT.timeline && at % 4 === 0 && file.readUInt32LE(at) === (register ^ 0xffffffff) >>> 0)
      return at;
    register = addToCrc32c(register, file[at] ?? 0);
  }
  return undefined;
}

function findFloatFormat(file: Buffer, end: number): number | undefined {
  for (let at = 0; at + SEGMENT_BYTES_BEHIND + 4 <= end; at += 8) {
    if (file.readDoubleLE(at) === FLOAT_FORMAT) return at;
  }
  return undefined;
}

const CRC32C_POLYNOMIAL = 0x82f63b78;

function addToCrc32c(register: number, byte: number): number {
  let next = register ^ byte;
  for (let bit = 0; bit < 8; bit += 1) next = (next >>> 1) ^ (next & 1 ? CRC32C_POLYNOMIAL : 0);
  return next;
}
