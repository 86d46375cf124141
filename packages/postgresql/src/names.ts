/**
 * Returns what the standby of a node is called in `pg_stat_replication` and `synchronous_standby_names`, which know 63
 * characters and do not tell upper from lower case: the node's name wherever that will do.
 */
export function memberOf(node: string): string {
  return node.length <= 60 && /^[a-z0-9_.-]*$/.test(node) ? node : slotOf(node);
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
