import { expect, test } from "vitest";
import type { EtcdApi } from "./api.ts";
import { checkArguments } from "./check-arguments.ts";

const soon = { timeoutMs: 1_000 };
const { signal } = new AbortController();

/** The calls over a client that answers nothing, and the names of those that reached it. */
function connect() {
  const sent: string[] = [];
  const api = new Proxy({} as EtcdApi, {
    ownKeys: () => ["range", "txn", "watch"],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_, name) => () => {
      sent.push(String(name));
      return Promise.resolve({ kvs: [], revision: 1 });
    },
  });
  return { sent, etcd: checkArguments(api) };
}

const txn = (parts: object) => (etcd: EtcdApi) =>
  etcd.txn({ compare: [], success: [], failure: [], ...parts }, soon);

test.each<[string, (etcd: EtcdApi) => unknown, RegExp]>([
  ["an empty key", (etcd) => etcd.range({ key: "" }, soon), /a key that is not empty, got ""/],
  ["no key", (etcd) => etcd.range({} as never, soon), /a key that is not empty, got undefined/],
  ["a limit of 0", (etcd) => etcd.range({ key: "a", limit: 0 }, soon), /limit .* from 1 on, got 0/],
  ["half a revision", (etcd) => etcd.range({ key: "a", revision: 1.5 }, soon), /revision .* got 1\.5/],
  [
    "a start outside",
    (etcd) => etcd.range({ key: "b", prefix: true, start: "a" }, soon),
    /start .* got "a" for "b"/,
  ],
  ["a start of one key", (etcd) => etcd.range({ key: "b", start: "b" }, soon), /start as a key of a prefix/],
  ["no options", (etcd) => etcd.range({ key: "a" }, undefined as never), /timeoutMs .* got undefined/],
  ["no time", (etcd) => etcd.txn({ compare: [], success: [], failure: [] }, {} as never), /timeoutMs/],
  ["time without end", (etcd) => etcd.leaseRevoke("1", { timeoutMs: Infinity }), /timeoutMs .* got Infinity/],
  ["half a TTL", (etcd) => etcd.leaseGrant(0.5, soon), /ttlSeconds .* got 0\.5/],
  ["no TTL", (etcd) => etcd.leaseGrant("ten" as never, soon), /ttlSeconds .* got "ten"/],
  ["a lease in hex", (etcd) => etcd.leaseKeepAlive("7f", soon), /a lease id as a decimal text, got "7f"/],
  ["a lease as a number", (etcd) => etcd.leaseTimeToLive(7 as never, soon), /a lease id .* got 7/],
  ["no lists", (etcd) => etcd.txn({} as never, soon), /compare as an array, got undefined/],
  [
    "an unknown operation",
    txn({ success: [{ type: "putt", key: "a" }] }),
    /an operation "range", "put".* got \{"type":"putt"/,
  ],
  [
    "a value that is none",
    txn({ failure: [{ type: "put", key: "a", value: 7 }] }),
    /value as a string, got number/,
  ],
  ["an unknown target", txn({ compare: [{ key: "a", target: "x", is: "=" }] }), /target as .* got "x"/],
  ["an unknown relation", txn({ compare: [{ key: "a", target: "mod", is: "!=" }] }), /"is" as .* got "!="/],
  [
    "no revision",
    txn({ compare: [{ key: "a", target: "mod", is: "=" }] }),
    /the mod revision .* got undefined/,
  ],
  [
    "a nested one",
    txn({ success: [{ type: "txn", compare: [], success: 1 }] }),
    /success as an array, got 1/,
  ],
  ["a watch of no key", async (etcd) => etcd.watch({ key: "" }, { signal }), /a key that is not empty/],
  [
    "a start at -1",
    async (etcd) => etcd.watch({ key: "a", startRevision: -1 }, { signal }),
    /startRevision .* got -1/,
  ],
])("%s is refused, and named, and not sent", async (_, call, why) => {
  const { etcd, sent } = connect();
  const refused = call(etcd);
  await expect(refused).rejects.toThrow(why);
  await expect(refused).rejects.toBeInstanceOf(TypeError);
  expect(sent).toEqual([]);
});

test("what is right is passed on, with every key as an empty prefix and a time that is over", async () => {
  const { etcd, sent } = connect();
  await etcd.range({ key: "", prefix: true, start: "a", limit: 1, revision: 1 }, { timeoutMs: -5 });
  await etcd.txn(
    {
      compare: [{ key: "a", target: "lease", is: "=", value: "-7" }],
      success: [{ type: "txn", compare: [], success: [{ type: "delete", key: "a" }], failure: [] }],
      failure: [{ type: "range", key: "", prefix: true }],
    },
    soon,
  );
  etcd.watch({ key: "a", startRevision: 0 }, { signal });
  expect(sent).toEqual(["range", "txn", "watch"]);
});
