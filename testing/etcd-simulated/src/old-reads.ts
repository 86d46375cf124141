import type { Transaction } from "@msdha/etcd-client";
import type { Store, StoreSnapshot } from "./store.ts";

/** What reads are answered from. */
export type Readable = Pick<Store, "revision" | "get" | "range" | "write">;

/** Returns what answers reads with what the store held at a snapshot. */
export function readFrom({ keys, revision }: StoreSnapshot): Readable {
  const range: Store["range"] = ({ key, prefix = false }) => {
    const found = [...keys.values()].filter((kv) => (prefix ? kv.key.startsWith(key) : kv.key === key));
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  };
  return {
    revision,
    get: (key) => keys.get(key),
    range,
    write(transaction) {
      const refuse = (): never => {
        throw new Error("expected a transaction that writes nothing");
      };
      transaction({ range, put: refuse, delete: refuse });
    },
  };
}

/** Whether no branch writes: etcd answers such a transaction as it answers a read. */
export function onlyReads({ success, failure }: Transaction): boolean {
  return [...success, ...failure].every((operation) =>
    operation.type === "txn" ? onlyReads(operation) : operation.type === "range",
  );
}
