import type { KeyValue } from "@msdha/etcd-client";

/** The longest TTL of a former holder, as far as it was seen, and the revision of its record: 0 when there is none. */
export interface TtlRecord {
  readonly seconds: number;
  readonly modRevision: number;
}

export const unknownTtl: TtlRecord = { seconds: 0, modRevision: 0 };

/** Returns the record after a read: never a smaller TTL than before, as that may come from a restored etcd. */
export function longerTtl({ seconds }: TtlRecord, record: KeyValue | undefined): TtlRecord {
  const read = record ? readTtl(record) : unknownTtl;
  return { seconds: Math.max(seconds, read.seconds), modRevision: read.modRevision };
}

/** Reads the record of the longest TTL. A value that no holder writes counts as 0 seconds. */
export function readTtl(kv: KeyValue): TtlRecord {
  const seconds = Number(kv.value);
  return { seconds: Number.isFinite(seconds) && seconds > 0 ? seconds : 0, modRevision: kv.modRevision };
}
