import type { WatchEvent } from "@msdha/etcd-client";
import { longerTtl, readTtl, type TtlRecord } from "@msdha/etcd-lock";
import { type GroupKeys, parseKey } from "./keys.ts";

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
