import type { WatchBatch } from "@msdha/etcd-watch";
import { type GroupKeys, parseKey } from "./keys.ts";

/** One change of one node: what a `node_state_change` hook is called with. */
export interface NodeChange {
  readonly action: "init" | "PUT" | "DELETE";
  readonly node: string;
  /** Empty for DELETE; a state that is not plain text reads `invalid`. */
  readonly state: string;
}

/** The changes of nodes in a batch, in etcd's order; keys that are no node's are left out. */
export function nodeChanges(keys: GroupKeys, batch: WatchBatch): readonly NodeChange[] {
  if (batch.type === "snapshot") {
    return batch.kvs.flatMap((kv) => toChange(keys, "init", kv.key, kv.value));
  }
  return batch.events.flatMap(({ type, kv }) => toChange(keys, type, kv.key, type === "PUT" ? kv.value : ""));
}

/** What a node key says, for hooks and users: a word of plain text, or `invalid` for what no node writes. */
export function plainState(value: string): string {
  return /^[\x21-\x7e]{1,64}$/.test(value) ? value : "invalid";
}

function toChange(
  keys: GroupKeys,
  action: NodeChange["action"],
  key: string,
  value: string,
): readonly NodeChange[] {
  const parsed = parseKey(keys, key);
  if (parsed.kind !== "node") return [];
  return [{ action, node: parsed.name, state: action === "DELETE" ? "" : plainState(value) }];
}
