import type { KeyValue, WatchEvent } from "@msdha/etcd-client";

export type PrefixState = ReadonlyMap<string, KeyValue>;

/**
 * Returns the events that lead from `before` to the keys of a read at `revision`: deletions at that revision, by key,
 * then puts by modification revision. A key that was put again with the same value has changed.
 */
export function difference(before: PrefixState, kvs: readonly KeyValue[], revision: number): WatchEvent[] {
  const present = new Set(kvs.map(({ key }) => key));
  const deleted = [...before.keys()].filter((key) => !present.has(key)).sort();
  const changed = kvs.filter((kv) => !isSame(before.get(kv.key), kv));
  changed.sort((a, b) => a.modRevision - b.modRevision || (a.key < b.key ? -1 : 1));
  return [
    ...deleted.map((key): WatchEvent => ({ type: "DELETE", kv: deletedKey(key, revision) })),
    ...changed.map((kv): WatchEvent => ({ type: "PUT", kv })),
  ];
}

/**
 * Returns whether `kvs`, read from etcd, differ from `before` in a change up to `revision`. Every change up to there is
 * in `before`, so etcd's history must be another one then.
 */
export function contradicts(before: PrefixState, revision: number, kvs: readonly KeyValue[]): boolean {
  return kvs.some((kv) => kv.modRevision <= revision && !isSame(before.get(kv.key), kv));
}

/** Returns the keys that only one of both has, or that are not the same in both. With `keysOnly` values are not compared. */
export function differingKeys(
  before: PrefixState,
  kvs: readonly KeyValue[],
  { keysOnly }: { readonly keysOnly: boolean },
): string[] {
  const read = new Set(kvs.map(({ key }) => key));
  const changed = kvs.filter((kv) => !isSame(before.get(kv.key), kv, { keysOnly }));
  return [...changed.map(({ key }) => key), ...[...before.keys()].filter((key) => !read.has(key))];
}

function isSame(a: KeyValue | undefined, b: KeyValue, { keysOnly = false } = {}): boolean {
  return (
    a !== undefined &&
    a.modRevision === b.modRevision &&
    a.createRevision === b.createRevision &&
    (keysOnly || a.value === b.value) &&
    a.lease === b.lease
  );
}

function deletedKey(key: string, modRevision: number): KeyValue {
  return { key, value: "", createRevision: 0, modRevision, lease: "0" };
}
