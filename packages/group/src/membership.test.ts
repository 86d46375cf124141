import { createManualClock } from "@msdha/clock";
import { acquireLease } from "@msdha/etcd-lease";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { NameTakenError, NodeKeyLostError } from "./errors.ts";
import { groupKeys } from "./keys.ts";
import { joinGroup } from "./membership.ts";

const keys = groupKeys("db");

function setUp() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  const join = async (runId: string, formerRunId?: string) => {
    const client = etcd.connect();
    const lease = await acquireLease(client, { ttlSeconds: 3, probeKey: "/msdha/", clock });
    const joining = joinGroup(client, keys, {
      name: "a",
      lease,
      details: { runId, address: "a", ttlSeconds: 3 },
      formerRunId,
      clock,
      signal: new AbortController().signal,
    });
    return { client, lease, joining };
  };
  return { clock, etcd, join };
}

test("puts the node key and the details on the lease", async () => {
  const { etcd, join } = setUp();
  const { lease, joining } = await join("one");
  await joining;
  expect(etcd.store.get(keys.node("a"))).toMatchObject({ value: "pre_start", lease: lease.id });
  expect(etcd.store.get(keys.details("a"))).toMatchObject({ lease: lease.id });
});

test("adopts the key when the answer was lost", async () => {
  const { clock, etcd } = setUp();
  const client = etcd.connect();
  const lease = await acquireLease(client, { ttlSeconds: 3, probeKey: "/msdha/", clock });
  let lost = 0;
  client.onAnswer = ({ call }) => (call === "txn" && lost++ === 0 ? "lost" : 0);
  const joining = joinGroup(client, keys, {
    name: "a",
    lease,
    details: { runId: "one", address: "a", ttlSeconds: 3 },
    clock,
    signal: new AbortController().signal,
  });
  await clock.advance(3_500);
  expect((await joining).modRevision).toBe(etcd.store.get(keys.node("a"))?.modRevision);
});

test("removes what its own former run left, at once", async () => {
  const { etcd, join } = setUp();
  const former = await join("one");
  await former.joining;
  const began = former.lease.id;
  const next = await join("two", "one");
  await next.joining;
  expect(etcd.store.get(keys.node("a"))?.lease).toBe(next.lease.id);
  expect(next.lease.id).not.toBe(began);
});

test("waits for a stranger's lease to end, and takes the name then", async () => {
  const { clock, etcd, join } = setUp();
  const { id } = await etcd.connect().leaseGrant(3, { timeoutMs: 1_000 });
  etcd.store.put(keys.node("a"), "ready", { lease: id });
  const { lease, joining } = await join("two", "one");
  await clock.advance(1_000);
  expect(etcd.store.get(keys.node("a"))?.lease).toBe(id);
  await clock.advance(3_000);
  await joining;
  expect(etcd.store.get(keys.node("a"))?.lease).toBe(lease.id);
});

test("refuses the name of a stranger that renews its lease, and leaves that one alone", async () => {
  const { clock, etcd, join } = setUp();
  const stranger = await join("one");
  await stranger.joining;
  const { joining } = await join("two", "another");
  const outcome = expect(joining).rejects.toBeInstanceOf(NameTakenError);
  await clock.advance(10_000);
  await outcome;
  expect(etcd.store.get(keys.node("a"))?.lease).toBe(stranger.lease.id);
});

test("refuses a name whose key is on no lease", async () => {
  const { etcd, join } = setUp();
  etcd.store.put(keys.node("a"), "ready");
  const { joining } = await join("one");
  await expect(joining).rejects.toThrow(/on no lease/);
});

test("tells when the node key is somebody else's", async () => {
  const { etcd, join } = setUp();
  const { joining } = await join("one");
  const membership = await joining;
  etcd.store.put(keys.node("a"), "start");
  await expect(membership.enter("start")).rejects.toBeInstanceOf(NodeKeyLostError);
});

test("does not let a late request undo a later state", async () => {
  const { clock, etcd, join } = setUp();
  const { client, joining } = await join("one");
  const membership = await joining;
  const held = Promise.withResolvers<number>();
  let sent = 0;
  client.onRequest = ({ call }) => (call === "txn" && sent++ === 0 ? held.promise : 0);
  const entering = membership.enter("start");
  await clock.advance(3_500);
  await entering;
  await membership.enter("running_not_ready");
  held.resolve(0);
  await clock.advance(100);
  expect(etcd.store.get(keys.node("a"))?.value).toBe("running_not_ready");
});

test("leaves by deleting the key that is its own, and no other", async () => {
  const { etcd, join } = setUp();
  const { joining } = await join("one");
  const membership = await joining;
  await membership.leave();
  expect(etcd.store.get(keys.node("a"))).toBeUndefined();
  etcd.store.put(keys.node("a"), "ready");
  await membership.leave();
  expect(etcd.store.get(keys.node("a"))).toBeDefined();
});
