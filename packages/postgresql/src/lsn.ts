/** A position in the log, in bytes from its beginning. */
export type Lsn = bigint;

/** Returns the position that PostgreSQL writes as `16/B374D848`. Throws a `TypeError` for anything else. */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text.trim());
  if (!match) throw new TypeError(`expected a position in the log such as 16/B374D848, got ${text}`);
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** Returns the position as PostgreSQL writes it. */
export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}

/** Returns the last 16 characters of the name of the file of the log that holds a position. */
export function segmentNumber(lsn: Lsn, segmentBytes: number): string {
  const hex = (part: bigint): string => part.toString(16).toUpperCase().padStart(8, "0");
  return hex(lsn >> 32n) + hex((lsn & 0xffffffffn) / BigInt(segmentBytes));
}

/** Returns whether a file of `pg_wal` holds log, by its name. */
export function isSegment(name: string): boolean {
  return /^[0-9A-F]{24}$/.test(name);
}

/** Returns a timeline's number in the eight digits of its file names. */
export function timelineDigits(timeline: number): string {
  return timeline.toString(16).toUpperCase().padStart(8, "0");
}

/** Returns the end of a file of the log, by its name. */
export function endOfSegment(name: string, segmentBytes: number): Lsn {
  const [log, number] = [name.slice(8, 16), name.slice(16, 24)].map((digits) => BigInt(`0x${digits}`));
  return ((log ?? 0n) << 32n) + ((number ?? 0n) + 1n) * BigInt(segmentBytes);
}
