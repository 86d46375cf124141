import { expect, test } from "vitest";
import type { EtcdApi, KeyValue, RangeRequest, RangeResult } from "./api.ts";
import { EtcdCompactedError, EtcdUnavailableError } from "./errors.ts";
import { readAll } from "./read-all.ts";

const soon = { timeoutMs: 1_000 };

function kv(key: string, value = ""): KeyValue {
  return { key, value, createRevision: 1, modRevision: 1, lease: "0" };
}

/** An etcd that answers reads only: page by page, out of these keys. */
function pages(keys: readonly KeyValue[], { before = (_asked: RangeRequest): void => {} } = {}) {
  const asked: RangeRequest[] = [];
  const range = async (request: RangeRequest): Promise<RangeResult> => {
    asked.push(request);
    before(request);
    const { limit = keys.length, start = "0" } = request;
    const first = Number(start);
    const end = first + limit;
    const next = end < keys.length ? { start: String(end), revision: 7 } : undefined;
    return { kvs: keys.slice(first, end), revision: 7, next };
  };
  return { etcd: { range } as unknown as EtcdApi, asked };
}

const many = Array.from({ length: 5_000 }, (_, n) => kv(`/p/${n}`, "x".repeat(1_000)));

test("all pages together are the whole prefix, at the revision of the first", async () => {
  const { etcd, asked } = pages(many);
  expect(await readAll(etcd, { key: "/p/", prefix: true }, soon)).toEqual({ kvs: many, revision: 7 });
  expect(asked.map(({ revision }) => revision)).toEqual([undefined, 7, 7]);
});

test("pages hold some megabytes, whatever the size of the keys", async () => {
  const large = many.slice(0, 200).map(({ key }) => kv(key, "x".repeat(1_000_000)));
  const sizes: number[] = [];
  for (const keys of [many, large]) {
    const { etcd, asked } = pages(keys);
    await readAll(etcd, { key: "/p/", prefix: true }, soon);
    sizes.push(asked[1]?.limit ?? 0);
  }
  expect(sizes[0]).toBeGreaterThan(3_500);
  expect(sizes[1]).toBe(10);
});

test("values are left out where that is asked for", async () => {
  const { etcd, asked } = pages(many.slice(0, 3));
  await readAll(etcd, { key: "/p/", prefix: true }, { ...soon, keysOnly: true });
  expect(asked).toMatchObject([{ keysOnly: true }]);
});

test("a compaction of the revision that is read makes it begin anew", async () => {
  let left = 2;
  const { etcd, asked } = pages(many, {
    before({ start }) {
      if (start === undefined || left === 0) return;
      left -= 1;
      throw new EtcdCompactedError("compacted", 0);
    },
  });
  expect(await readAll(etcd, { key: "/p/", prefix: true }, soon)).toEqual({ kvs: many, revision: 7 });
  expect(asked.filter(({ start }) => start === undefined)).toHaveLength(3);
});

test("a page that fails is what it rejects with", async () => {
  const { etcd } = pages(many, {
    before: ({ start }) => {
      if (start !== undefined) throw new EtcdUnavailableError("no route");
    },
  });
  await expect(readAll(etcd, { key: "/p/", prefix: true }, soon)).rejects.toThrow("no route");
});

test("a signal whose reason is a compaction ends it", async () => {
  const reason = new EtcdCompactedError("compacted", 0);
  let left = 3;
  const ended = new AbortController();
  const { etcd } = pages(many, {
    before() {
      ended.abort(reason);
      left -= 1;
      // Without this the test would never end.
      throw left === 0 ? new Error("it goes round") : ended.signal.reason;
    },
  });
  await expect(readAll(etcd, { key: "/p/", prefix: true }, { ...soon, signal: ended.signal })).rejects.toBe(
    reason,
  );
});
