import { expect, test } from "vitest";
import type { EtcdApi, KeyValue, Transaction } from "./api.ts";
import { createKeyCalls } from "./key-calls.ts";

/** The calls over an etcd that holds single keys, and the transactions that it got. */
const connect = () => {
  const stored = new Map<string, KeyValue>();
  const transactions: Transaction[] = [];
  let revision = 1;
  const api: Pick<EtcdApi, "range" | "txn"> = {
    range: async ({ key }) => {
      const kv = stored.get(key);
      return { kvs: kv ? [kv] : [], revision };
    },
    async txn(transaction) {
      transactions.push(transaction);
      const [each] = transaction.success;
      revision += 1;
      if (each?.type === "put") {
        const { key, value, lease = "0" } = each;
        stored.set(key, { key, value, lease, createRevision: revision, modRevision: revision });
        return { succeeded: true, results: [{ type: "put" }], revision };
      }
      const deleted = each?.type === "delete" && stored.delete(each.key) ? 1 : 0;
      return { succeeded: true, results: [{ type: "delete", deleted }], revision };
    },
  };
  return { transactions, ...createKeyCalls(api) };
};

test("a key is put, read and deleted", async () => {
  const { get, put, delete: remove } = connect();
  expect(await get("k")).toBeUndefined();
  const { revision } = await put("k", "v");
  expect(await get("k")).toMatchObject({ value: "v", modRevision: revision, lease: "0" });
  expect(await remove("k")).toBe(true);
  expect(await remove("k")).toBe(false);
});

test("a key can be on a lease", async () => {
  const { get, put } = connect();
  await put("k", "v", { lease: "7" });
  expect(await get("k")).toMatchObject({ lease: "7" });
});

test.each([
  ["an empty key", (of: ReturnType<typeof connect>) => of.get(""), /a key that is not empty, got ""/],
  [
    "no key",
    (of: ReturnType<typeof connect>) => of.delete(undefined as never),
    /key as a string or a Uint8Array, got undefined/,
  ],
  [
    "no text",
    (of: ReturnType<typeof connect>) => of.put("k", 7 as never),
    /value as a string or a Uint8Array, got number/,
  ],
  ["no time", (of: ReturnType<typeof connect>) => of.get("k", { timeoutMs: 0 }), /timeoutMs .* got 0/],
])("%s is refused, and named", async (_, call, why) => {
  const of = connect();
  await expect(call(of)).rejects.toThrow(why);
  expect(of.transactions).toEqual([]);
});
