import type { Settings } from "./settings.ts";

/**
 * Returns what the standby of a node is called in `pg_stat_replication` and `synchronous_standby_names`, which know 63
 * characters and do not tell upper from lower case: the node's name wherever that will do.
 */
export function memberOf(node: string): string {
  return node.length <= 60 && /^[a-z0-9_.-]*$/.test(node) ? node : slotOf(node);
}

/** Names in `pg_stat_replication` are cut at so many characters. */
const LONGEST_NAME = 63;

/**
 * Returns the name under which a standby connects: its member name where commits may wait for it. No commit waits for one that is
 * never promoted: it might be the only one that has it. Where a commit has to be on several, none waits for one without a slot, as
 * two connections of it would count twice.
 */
export function applicationName(
  member: string,
  { priority, syncNodes }: Pick<Settings, "priority" | "syncNodes">,
  slot: string,
): string {
  if (priority === "never") return neverPromoted(member);
  return syncNodes > 1 && slot === "" ? `${member} (without slot)`.slice(0, LONGEST_NAME) : member;
}

/** Returns the name under which a standby connects that is never promoted. */
export function neverPromoted(member: string): string {
  return `${member} (never the master)`.slice(0, LONGEST_NAME);
}

/** Returns the member whose standby connects under this name. */
export function memberIn(applicationName: string): string {
  return applicationName.split(" (")[0] ?? "";
}

/** Returns whether a name in `pg_stat_replication` is that of a standby that is never promoted. */
export function isNeverPromoted(applicationName: string): boolean {
  return applicationName.includes(" (n");
}

/** Returns the name of a node's replication slot: letters that a slot may have, and a checksum that keeps two names two. */
export function slotOf(node: string): string {
  const plain = node.length < 40 && /^[a-z0-9_]*$/.test(node);
  const letters = plain
    ? node
    : Buffer.from(node)
        .toString("latin1")
        .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
        .replace(/[^a-z0-9_]/g, "_")
        .slice(0, 40);
  return `msdha_${letters}_${posixChecksum(Buffer.from(node))}`;
}

/** Returns the checksum of POSIX `cksum`. Slots that an earlier version made keep their names. */
function posixChecksum(bytes: Uint8Array): number {
  let crc = 0;
  const add = (byte: number): void => {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  };
  for (const byte of bytes) add(byte);
  for (let length = bytes.length; length > 0; length >>>= 8) add(length & 0xff);
  return ~crc >>> 0;
}
