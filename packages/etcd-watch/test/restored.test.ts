import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@msdha/clock";
import {
  type EtcdMember,
  getFreePorts,
  startEtcdMember,
  startTcpProxy,
  tempDir,
  waitFor,
} from "@msdha/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { connect, put, record } from "./harness.ts";

const folder = tempDir({ prefix: "msdha-etcd-" });
const data = join(folder.path, "data");
const backup = join(folder.path, "backup");
let etcd: EtcdMember;

beforeAll(async () => {
  const [clientPort, peerPort] = (await getFreePorts(2)) as [number, number];
  etcd = startEtcdMember({
    ...{ name: "m0", folder: folder.path, clientPort, peerPort },
    ...{ initialCluster: `m0=http://127.0.0.1:${peerPort}`, tls: undefined, extraArgs: [] },
    ...{ heartbeatMs: undefined, electionMs: undefined },
  });
  await etcd.ready();
});

beforeEach(() => {
  rmSync(backup, { recursive: true, force: true });
});

afterAll(async () => {
  await etcd?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function whileDown(work: () => void): Promise<void> {
  await etcd.kill();
  work();
  await etcd.restart();
  await etcd.ready();
}

const save = (): Promise<void> => whileDown(() => cpSync(data, backup, { recursive: true }));
const restore = (): Promise<void> =>
  whileDown(() => {
    rmSync(data, { recursive: true });
    cpSync(backup, data, { recursive: true });
  });

test("an etcd whose data is replaced by older data is told as restored", async () => {
  await using client = connect([etcd.clientPort]);
  await put(client, "/p/a", "old");
  await save();
  await using watch = record(client, "/p/");
  await put(client, "/p/a", "lost");
  await put(client, "/p/b", "lost");
  await waitFor(() => watch.state.size === 2, { what: "what will be lost" });
  await restore();
  await waitFor(() => watch.state.size === 1, { what: "the loss" });
  expect(watch.batches.at(-1)).toMatchObject({
    ...{ type: "changes", resync: true, restored: true },
    events: [
      { type: "DELETE", kv: { key: "/p/b" } },
      { type: "PUT", kv: { key: "/p/a", value: "old" } },
    ],
  });
  await put(client, "/p/a", "new");
  await waitFor(() => watch.state.get("/p/a")?.value === "new", { what: "a change after the restore" });
  expect(watch.batches.at(-1)).toMatchObject({ resync: false, restored: false });
});

test("a restored etcd that has as many revisions again is told too", async () => {
  await using proxy = await startTcpProxy(etcd.clientPort);
  await using watcher = connect([proxy.port]);
  await using writer = connect([etcd.clientPort]);
  await save();
  await using watch = record(watcher, "/p/", { progressIntervalMs: 500 });
  await put(writer, "/p/c", "lost");
  await waitFor(() => watch.state.has("/p/c"), { what: "what will be lost" });
  await proxy.setMode("refuse");
  await restore();
  for (let n = 0; n < 5; n += 1) await put(writer, "/q/a", "other");
  await proxy.setMode("pass");
  await waitFor(() => !watch.state.has("/p/c"), { what: "the loss" });
  expect(watch.batches.at(-1)).toMatchObject({ resync: true, restored: true, events: [{ type: "DELETE" }] });
});

test("a restart is not taken for a restore when keys differ only in bytes that are not UTF-8", async () => {
  await using client = connect([etcd.clientPort]);
  for (const byte of [0xfe, 0xff]) await putBytes(Buffer.of(0x2f, 0x62, 0x2f, byte), Buffer.of(byte));
  await using watch = record(client, "/b/", { progressIntervalMs: 500 });
  await waitFor(() => watch.state.size === 2, { what: "both keys" });
  await whileDown(() => {});
  await put(client, "/b/mark", "1");
  await waitFor(() => watch.state.has("/b/mark"), { what: "the watch to be followed again" });
  // The comparison with a read of the whole prefix takes three quiet intervals.
  await systemClock.sleep(3_000);
  await put(client, "/b/new", "1");
  await waitFor(() => watch.state.has("/b/new"), { what: "a change after the restart" });
  expect(watch.batches.filter((batch) => batch.type === "changes" && batch.resync)).toEqual([]);
  const [first] = watch.state.keys();
  if (first !== undefined) await put(client, first, "written again");
  await waitFor(() => [...watch.state.values()][0]?.value === "written again", { what: "the same key" });
  expect(watch.state.size).toBe(4);
});

async function putBytes(key: Buffer, value: Buffer): Promise<void> {
  const body = JSON.stringify({ key: key.toString("base64"), value: value.toString("base64") });
  const answer = await fetch(`http://127.0.0.1:${etcd.clientPort}/v3/kv/put`, { method: "POST", body });
  expect(answer.status).toBe(200);
}
