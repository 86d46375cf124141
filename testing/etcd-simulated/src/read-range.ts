import { EtcdCompactedError, type RangeRequest, type RangeResult } from "@msdha/etcd-client";
import type { Readable } from "./old-reads.ts";

/**
 * Returns what a member answers a read with. Only the newest revision can be read: an older one counts as compacted,
 * as it can be in any etcd at any time.
 */
export function readRange(
  state: Readable,
  { keysOnly = false, limit, revision, start, ...range }: RangeRequest,
): RangeResult {
  if (revision !== undefined && revision !== state.revision) {
    throw new EtcdCompactedError("etcdserver: required revision has been compacted", state.revision);
  }
  const found = state.range(range).filter(({ key }) => start === undefined || key >= start);
  const kvs = found.slice(0, limit).map((kv) => (keysOnly ? { ...kv, value: "" } : kv));
  const rest = found[kvs.length];
  if (!rest) return { kvs, revision: state.revision };
  return { kvs, revision: state.revision, next: { start: rest.key, revision: state.revision } };
}
