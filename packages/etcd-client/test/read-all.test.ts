import { startEtcd } from "@msdha/testkit";
import { expect, test } from "vitest";
import { connectEtcd, type EtcdApi, type Operation, readAll, readEtcdSettings } from "../src/index.ts";

const limits = { timeoutMs: 10_000 };

/** Puts keys of `size` bytes under the prefix, numbers of one width behind it. */
async function fill(etcd: EtcdApi, prefix: string, count: number, size: number): Promise<void> {
  for (let first = 0; first < count; first += 100) {
    const success = Array.from({ length: Math.min(100, count - first) }, (_, n): Operation => {
      const key = prefix + String(first + n).padStart(6, "0");
      return { type: "put", key, value: key.padEnd(size, ".") };
    });
    await etcd.txn({ compare: [], success, failure: [] }, limits);
  }
}

test("a prefix is read in pages, as one revision has it, whatever is written meanwhile", async () => {
  await using member = await startEtcd();
  await using etcd = connectEtcd(readEtcdSettings({ ETCDCTL_ENDPOINTS: member.endpoint }));
  await fill(etcd, "/p/", 3_000, 4_000);
  await fill(etcd, "/q/", 10, 10);
  let pages = 0;
  const busy: EtcdApi = {
    ...etcd,
    async range(request, options) {
      const answer = await etcd.range(request, options);
      pages += 1;
      await fill(etcd, "/p/x", 100, 10);
      if (pages === 2) {
        const { revision } = await etcd.range({ key: "/p/" }, limits);
        await member.etcdctl("compact", String(revision));
      }
      return answer;
    },
  };
  const { kvs, revision } = await readAll(busy, { key: "/p/", prefix: true }, limits);
  // The second page's revision was compacted before the third: the read began anew, with the keys that were there then.
  expect(pages).toBeGreaterThan(5);
  expect(kvs).toHaveLength(3_100);
  expect(new Set(kvs.map(({ key }) => key)).size).toBe(3_100);
  expect(kvs.every(({ modRevision }) => modRevision <= revision)).toBe(true);
  const bare = await readAll(etcd, { key: "/p/", prefix: true }, { ...limits, keysOnly: true });
  expect(bare.kvs.every(({ value }) => value === "")).toBe(true);
  expect((await readAll(etcd, { key: "/nothing/", prefix: true }, limits)).kvs).toEqual([]);
});

test("a prefix of 100 MB is read with one request under way at a time, and no page is asked for twice", async () => {
  await using member = await startEtcd();
  await using etcd = connectEtcd(readEtcdSettings({ ETCDCTL_ENDPOINTS: member.endpoint }));
  await fill(etcd, "/p/", 10_000, 10_000);
  let pages = 0;
  let underWay = 0;
  let most = 0;
  const counted: EtcdApi = {
    ...etcd,
    async range(request, options) {
      pages += 1;
      underWay += 1;
      most = Math.max(most, underWay);
      try {
        return await etcd.range(request, options);
      } finally {
        underWay -= 1;
      }
    },
  };
  const { kvs } = await readAll(counted, { key: "/p/", prefix: true }, limits);
  expect(kvs).toHaveLength(10_000);
  expect(most).toBe(1);
  expect(pages).toBeLessThan(50);
});

test("a key that is no UTF-8 text ends a page as well as any", async () => {
  await using member = await startEtcd();
  await using etcd = connectEtcd(readEtcdSettings({ ETCDCTL_ENDPOINTS: member.endpoint }));
  await fill(etcd, "/p/", 98, 1);
  for (const byte of [0xfe, 0xff, 0xfd]) {
    const key = Buffer.concat([Buffer.from("/p/"), Buffer.of(byte)]).toString("base64");
    await fetch(`${member.endpoint}/v3/kv/put`, { method: "POST", body: JSON.stringify({ key, value: "" }) });
  }
  expect((await readAll(etcd, { key: "/p/", prefix: true }, limits)).kvs).toHaveLength(101);
});
