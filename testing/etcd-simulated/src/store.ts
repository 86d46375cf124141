import type { KeyRange, KeyValue, LeaseId, WatchEvent } from "@msdha/etcd-client";

/** Everything that one revision changed. */
export interface Change {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

/** What one transaction may do; it sees its own writes. */
export interface Writer {
  range(range: KeyRange): readonly KeyValue[];
  put(key: string, value: string, lease: LeaseId): void;
  /** Returns how many keys it deleted: 0 or 1. */
  delete(key: string): number;
}

export interface StoreSnapshot {
  readonly revision: number;
  readonly compacted: number;
  readonly keys: ReadonlyMap<string, KeyValue>;
  readonly history: readonly Change[];
}

/** etcd's keys with their history: every write makes a revision, and all writes of a transaction the same one. */
export interface Store {
  readonly revision: number;
  /** The history before this revision is gone. */
  readonly compacted: number;
  get(key: string): KeyValue | undefined;
  range(range: KeyRange): readonly KeyValue[];
  /** Carries out a transaction. The revision stays what it was when nothing was written. */
  write(transaction: (writer: Writer) => void): void;
  /** What happened from this revision on; the caller sees to it that it is not compacted. */
  since(revision: number): readonly Change[];
  compact(revision: number): void;
  save(): StoreSnapshot;
  /** Goes back to a snapshot; revisions go on `bumpBy` further than that was, with nothing known of those between. */
  load(snapshot: StoreSnapshot, options?: { readonly bumpBy?: number }): void;
}

export interface StoreOptions {
  /** Called with every change, after it has been carried out. */
  readonly onChange: (change: Change) => void;
  /** Called whenever a key comes on a lease or leaves one. */
  readonly onLease: (lease: LeaseId, key: string, attached: boolean) => void;
}

export function createStore({ onChange, onLease }: StoreOptions): Store {
  let keys = new Map<string, KeyValue>();
  let revision = 1;
  let compacted = 0;
  let history: Change[] = [];

  function range({ key, prefix = false }: KeyRange): readonly KeyValue[] {
    if (!prefix) {
      const found = keys.get(key);
      return found ? [found] : [];
    }
    const found = [...keys.values()].filter((kv) => kv.key.startsWith(key));
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  function write(transaction: (writer: Writer) => void): void {
    const next = revision + 1;
    const events: WatchEvent[] = [];
    transaction({
      range,
      put(key, value, lease) {
        const before = keys.get(key);
        const kv = { key, value, createRevision: before?.createRevision ?? next, modRevision: next, lease };
        moveLease(key, before, lease);
        keys.set(key, kv);
        events.push({ type: "PUT", kv });
      },
      delete(key) {
        const before = keys.get(key);
        if (!before) return 0;
        moveLease(key, before, "0");
        keys.delete(key);
        const kv = { key, value: "", createRevision: 0, modRevision: next, lease: "0" };
        events.push({ type: "DELETE", kv });
        return 1;
      },
    });
    if (events.length === 0) return;
    revision = next;
    const change = { revision, events };
    history.push(change);
    onChange(change);
  }

  function moveLease(key: string, before: KeyValue | undefined, lease: LeaseId): void {
    if (before && before.lease !== "0") onLease(before.lease, key, false);
    if (lease !== "0") onLease(lease, key, true);
  }

  function since(from: number): readonly Change[] {
    const first = history[0]?.revision ?? revision + 1;
    return history.slice(Math.max(from - first, 0));
  }

  return {
    get revision() {
      return revision;
    },
    get compacted() {
      return compacted;
    },
    get: (key) => keys.get(key),
    range,
    write,
    since,
    compact(at) {
      compacted = Math.max(compacted, Math.min(at, revision));
      history = [...since(compacted)];
    },
    save: () => ({ revision, compacted, keys: new Map(keys), history: [...history] }),
    load(snapshot, { bumpBy = 0 } = {}) {
      revision = snapshot.revision + bumpBy;
      compacted = bumpBy > 0 ? revision : snapshot.compacted;
      keys = new Map(snapshot.keys);
      history = bumpBy > 0 ? [] : [...snapshot.history];
    },
  };
}
