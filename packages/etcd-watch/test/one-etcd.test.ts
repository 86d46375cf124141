import type { Etcd } from "@msdha/etcd-client";
import { type EtcdMember, startEtcd, startTcpProxy, type TcpProxy, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { connect, put, putMany, type Recorded, record } from "./harness.ts";

let etcd: EtcdMember;
let proxy: TcpProxy;
/** Goes through the proxy. */
let watcher: Etcd;
let writer: Etcd;
let prefix: string;
let tests = 0;

beforeAll(async () => {
  etcd = await startEtcd();
  proxy = await startTcpProxy(etcd.clientPort);
  watcher = connect([proxy.port]);
  writer = connect([etcd.clientPort]);
});

beforeEach(() => {
  tests += 1;
  prefix = `/msdha/${tests}/`;
});

afterAll(async () => {
  for (const each of [watcher, writer, proxy, etcd]) await each?.[Symbol.asyncDispose]();
});

test("a backlog of 3,000 events comes whole through a connection that is cut every 200 kB", async () => {
  await using watch = record(watcher, prefix);
  await waitFor(() => watch.health.length > 0, { what: "the watch" });
  await proxy.setMode("refuse");
  // etcd sends 1,000 revisions of a backlog in one message, which has to get through between two cuts.
  await putMany(writer, prefix, 3_000, 100);
  await getThroughCuts(watch, 3_000);
});

test("3 MB of changes come whole through a connection that is cut every 200 kB", async () => {
  await using watch = record(watcher, prefix);
  await waitFor(() => watch.health.length > 0, { what: "the watch" });
  const { cuts } = proxy.counters;
  await getThroughCuts(watch, 3_000, async () => {
    for (let count = 0; count < 3_000; count += 25) {
      // What a watch lags by comes in one message, which has to get through between two cuts, after what it reads again.
      await putMany(writer, `${prefix}${count}-`, 25, 1_000);
      await waitFor(() => watch.events.length >= count + 25, { what: `the events up to ${count + 25}` });
    }
  });
  expect(proxy.counters.cuts - cuts).toBeGreaterThan(10);
});

async function getThroughCuts(
  { batches, events }: Recorded,
  count: number,
  write = async () => {},
): Promise<void> {
  const { cuts } = proxy.counters;
  proxy.cutEveryBytes(200_000);
  try {
    await proxy.setMode("pass");
    await write();
    await waitFor(() => events.length >= count, { what: `${count} events`, timeoutMs: 30_000 });
    expect(proxy.counters.cuts).toBeGreaterThan(cuts);
  } finally {
    proxy.cutEveryBytes(0);
  }
  const revisions = events.map(({ kv }) => kv.modRevision);
  expect(new Set(events.map(({ kv }) => kv.key)).size).toBe(count);
  expect(events).toHaveLength(count);
  expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
  expect(batches.some((batch) => batch.type === "changes" && batch.resync)).toBe(false);
}

test("the watch goes on after a compaction under it", async () => {
  await put(writer, `${prefix}kept`, "1");
  await put(writer, `${prefix}deleted`, "1");
  await using watch = record(watcher, prefix);
  await waitFor(() => watch.health.length > 0, { what: "the watch" });
  await proxy.setMode("refuse");
  await etcd.etcdctl("del", `${prefix}deleted`);
  const revision = await put(writer, `${prefix}kept`, "2");
  await etcd.etcdctl("compact", String(revision));
  await proxy.setMode("pass");
  await waitFor(() => watch.batches.length > 1, { what: "the difference" });
  expect(watch.batches[1]).toMatchObject({
    ...{ type: "changes", revision, resync: true, restored: false },
    events: [
      { type: "DELETE", kv: { key: `${prefix}deleted`, modRevision: revision } },
      { type: "PUT", kv: { key: `${prefix}kept`, value: "2", modRevision: revision } },
    ],
  });
  await put(writer, `${prefix}new`, "3");
  await waitFor(() => watch.batches.length > 2, { what: "the change after it" });
  expect(watch.batches[2]).toMatchObject({ resync: false, events: [{ kv: { value: "3" } }] });
});

test("a deletion at the very revision of a compaction is not missed", async () => {
  await put(writer, `${prefix}deleted`, "1");
  await using watch = record(watcher, prefix);
  await waitFor(() => watch.health.length > 0, { what: "the watch" });
  await proxy.setMode("refuse");
  const { revision: before } = await writer.range({ key: prefix }, { timeoutMs: 5_000 });
  await etcd.etcdctl("del", `${prefix}deleted`);
  await etcd.etcdctl("compact", String(before + 1));
  await proxy.setMode("pass");
  await waitFor(() => watch.batches.length > 1, { what: "the difference" });
  expect(watch.batches[1]).toMatchObject({
    ...{ type: "changes", revision: before + 1, resync: true, restored: false },
    events: [{ type: "DELETE", kv: { key: `${prefix}deleted`, modRevision: before + 1 } }],
  });
});

test("a compaction under an open stream is not noticed", async () => {
  await using watch = record(watcher, prefix);
  await waitFor(() => watch.health.length > 0, { what: "the watch" });
  const revision = await put(writer, `${prefix}a`, "1");
  await waitFor(() => watch.events.length === 1, { what: "the first change" });
  await etcd.etcdctl("compact", String(revision));
  await put(writer, `${prefix}a`, "2");
  await waitFor(() => watch.events.length === 2, { what: "both changes" });
  expect(watch.batches.slice(1)).toMatchObject([{ resync: false }, { resync: false }]);
});

test("a stream that falls silent is given up, and what was written meanwhile is told", async () => {
  await using watch = record(watcher, prefix, { progressIntervalMs: 500 });
  await waitFor(() => watch.health.length > 0, { what: "the watch" });
  await proxy.setMode("silent");
  await put(writer, `${prefix}a`, "1");
  await waitFor(() => watch.health.at(-1)?.up === false, { what: "bad health" });
  await proxy.setMode("pass");
  await waitFor(() => watch.events.length === 1, { what: "the change" });
  await waitFor(() => watch.health.at(-1)?.up === true, { what: "good health" });
});

test("a quiet watch stays on its one stream", async () => {
  await using watch = record(watcher, prefix, { progressIntervalMs: 500 });
  await waitFor(() => watch.health.length > 0, { what: "the watch" });
  const { accepted } = proxy.counters;
  const { bytesDown } = proxy.counters;
  await waitFor(() => proxy.counters.bytesDown > bytesDown + 600, { what: "answers about progress" });
  expect(proxy.counters.accepted).toBe(accepted);
  expect(watch.health).toHaveLength(1);
});

test("after etcd was restarted with authentication on, the watch goes on with its user", async () => {
  const env = { ETCDCTL_USER: "root", ETCDCTL_PASSWORD: "secret" };
  await using own = await startEtcd();
  await using client = connect([own.clientPort], env);
  await using watch = record(client, prefix);
  await waitFor(() => watch.health.length > 0, { what: "the watch" });
  await own.etcdctl("user", "add", "root:secret");
  await own.etcdctl("user", "grant-role", "root", "root");
  await own.etcdctl("auth", "enable");
  own.access.user = "root:secret";
  await own.etcdctl("put", `${prefix}a`, "1");
  await own.restart();
  await own.ready();
  await own.etcdctl("put", `${prefix}a`, "2");
  await waitFor(() => watch.events.length === 2, { what: "both changes" });
  // Its tokens are kept in memory: they are unknown to the next process.
  await own.restart();
  await own.ready();
  await own.etcdctl("put", `${prefix}a`, "3");
  await waitFor(() => watch.events.length === 3, { what: "the third change" });
  expect(watch.events.map(({ kv }) => kv.value)).toEqual(["1", "2", "3"]);
  expect(watch.ended).toBeUndefined();
});
