import type { KeyValue } from "@msdha/etcd-client";

/** What hooks store is theirs: it may be a secret, or anything. */
const OF_HOOKS = /^_(?:value|claim)\//;

/** Lists a group's keys with their revisions, leases and values; of what hooks have stored only how long it is. */
export function listKeys(prefix: string, kvs: readonly KeyValue[]): string {
  return kvs
    .map(({ key, value, lease, createRevision, modRevision }) => {
      const name = key.slice(prefix.length);
      const shown = OF_HOOKS.test(name) ? `(${value.length} characters)` : JSON.stringify(value);
      return `${JSON.stringify(name)} created ${createRevision} changed ${modRevision} lease ${lease} ${shown}\n`;
    })
    .join("");
}
