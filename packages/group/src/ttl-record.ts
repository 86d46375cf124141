import type { KeyValue, WatchEvent } from "@msdha/etcd-client";
import { type GroupKeys, parseKey } from "./keys.ts";

/** The longest TTL of a former master, as far as it was seen, and the revision of its record: 0 when there is none. */
export interface TtlRecord {
  readonly seconds: number;
  readonly modRevision: number;
}

/**
 * Returns the record after some events. Only a node that publishes `master` has outlived the former masters and may
 * lower it. A longer TTL that was seen before the record was deleted, or lost by a restore of etcd, still counts.
 */
export function rememberTtl(
  before: TtlRecord,
  keys: GroupKeys,
  events: readonly WatchEvent[],
  restored: boolean,
): TtlRecord {
  let ttl = before;
  for (const { type, kv } of events) {
    if (kv.key !== keys.ttl) continue;
    const published = !restored && type === "PUT" && publishesAt(keys, events, kv.modRevision);
    ttl = published ? readTtl(kv) : longerTtl(ttl, type === "PUT" ? kv : undefined);
  }
  return ttl;
}

/** Whether a master was published in that revision. */
function publishesAt(keys: GroupKeys, events: readonly WatchEvent[], revision: number): boolean {
  return events.some(
    ({ type, kv }) =>
      type === "PUT" &&
      kv.modRevision === revision &&
      kv.value === "master" &&
      parseKey(keys, kv.key).kind === "node",
  );
}

/** Returns the record after a read: never a smaller TTL than before, as that may come from a restored etcd. */
export function longerTtl({ seconds }: TtlRecord, record: KeyValue | undefined): TtlRecord {
  const read = record ? readTtl(record) : { seconds: 0, modRevision: 0 };
  return { seconds: Math.max(seconds, read.seconds), modRevision: read.modRevision };
}

/** Reads the group's record of its longest TTL. A value that no node writes counts as 0 seconds. */
function readTtl(kv: KeyValue): TtlRecord {
  const seconds = Number(kv.value);
  return { seconds: Number.isFinite(seconds) && seconds > 0 ? seconds : 0, modRevision: kv.modRevision };
}
