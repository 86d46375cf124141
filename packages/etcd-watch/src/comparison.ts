import type { KeyValue, RangeResult, WatchEvent } from "@msdha/etcd-client";
import type { Replica } from "./replica.ts";

/** A read of the whole prefix, beside a watch that goes on meanwhile. Begun before the read is asked for. */
export interface Comparison {
  /** Takes what the watch sends while the comparison lasts. */
  saw(events: readonly WatchEvent[]): void;
  /**
   * Says what the read shows. `same`: what the watch sent leads there. `different`: it does not. `open`: it may still,
   * as the watch has not sent the read's revision yet.
   */
  judge(read: RangeResult, how: { readonly keysOnly: boolean }): "same" | "different" | "open";
}

export function beginComparison(replica: Replica): Comparison {
  const emitted = replica.revision;
  /** When each key changed last since the beginning. What changed after the read's revision says nothing of the read. */
  const touched = new Map<string, number>();

  return {
    saw(events) {
      for (const { kv } of events) touched.set(kv.key, kv.modRevision);
    },
    judge({ kvs, revision }, { keysOnly }) {
      if (revision < emitted) return "different";
      const differing = replica
        .differing(kvs, { keysOnly })
        .filter((key) => (touched.get(key) ?? 0) <= revision);
      if (differing.length === 0) return "same";
      if (replica.revision >= revision) return "different";
      const read = new Map(kvs.map((kv: KeyValue) => [kv.key, kv]));
      const shouldBeKnown = differing.some((key) => (read.get(key)?.modRevision ?? Infinity) <= emitted);
      return shouldBeKnown ? "different" : "open";
    },
  };
}
