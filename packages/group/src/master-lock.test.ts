import { createManualClock } from "@msdha/clock";
import { acquireLease } from "@msdha/etcd-lease";
import { LockLostError, unknownHandovers } from "@msdha/etcd-lock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { describe, expect, test } from "vitest";
import { giveBackLock, prepareHandover } from "./hand-over.ts";
import { putValue } from "./hook-values.ts";
import { groupKeys } from "./keys.ts";
import { joinGroup } from "./membership.ts";
import { publishMaster } from "./publish-master.ts";
import { type GroupKnowledge, takeLock } from "./take-lock.ts";

const keys = groupKeys("db");
const unknown: GroupKnowledge = { ttl: { seconds: 0, modRevision: 0 }, revision: 0 };

function setUp() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  const member = async (name: string, ttlSeconds = 3) => {
    const client = etcd.connect();
    const lease = await acquireLease(client, { ttlSeconds, probeKey: "/msdha/", clock });
    const membership = await joinGroup(client, keys, {
      name,
      lease,
      details: { runId: name, address: name, ttlSeconds },
      clock,
      signal: new AbortController().signal,
    });
    const options = { membership, ttlSeconds, clock };
    return {
      client,
      lease,
      membership,
      options,
      take: (known = unknown) => takeLock(client, keys, known, options),
    };
  };
  return { clock, etcd, member };
}

describe("taking the lock", () => {
  test("makes one node wait for twice its TTL, and refuses the other", async () => {
    const { clock, etcd, member } = setUp();
    const a = await member("a");
    const b = await member("b");
    const lock = await a.take();
    expect(lock).toMatchObject({ takenAfter: "wait", waitFrom: clock.now(), waitMs: 6_000 });
    expect(lock?.token).toBe(etcd.store.get(keys.lock)?.createRevision);
    expect(await b.take()).toBeUndefined();
  });

  test("waits for the group's longest TTL, and records its own where that is longer", async () => {
    const { etcd, member } = setUp();
    etcd.store.put(keys.ttl, "8");
    const a = await member("a");
    expect(await a.take()).toMatchObject({ waitMs: 16_000 });
    expect(etcd.store.get(keys.ttl)?.value).toBe("8");
    etcd.store.delete(keys.lock);
    const b = await member("b", 10);
    expect(await b.take()).toMatchObject({ waitMs: 20_000 });
    expect(etcd.store.get(keys.ttl)?.value).toBe("10");
  });

  test("waits for the longest TTL that was seen, if a restored etcd has forgotten it", async () => {
    const { etcd, member } = setUp();
    etcd.store.put(keys.ttl, "2");
    const a = await member("a");
    const seen = { ...unknown, ttl: { seconds: 8, modRevision: 99 } };
    expect(await a.take(seen)).toMatchObject({ waitMs: 16_000 });
    expect(etcd.store.get(keys.ttl)?.value).toBe("8");
  });

  test("is made good when its answer was lost, and the wait counts from then", async () => {
    const { clock, member } = setUp();
    const a = await member("a");
    let lost = 0;
    a.client.onAnswer = ({ call }) => (call === "txn" && lost++ === 0 ? "lost" : 0);
    const taking = a.take();
    await clock.advance(3_500);
    // Asked again after a TTL and a pause of 50 ms.
    expect(await taking).toMatchObject({ takenAfter: "wait", waitFrom: 3_050, waitMs: 6_000 });
  });

  test("consumes a hand-over once, and needs no wait then", async () => {
    const { etcd, member } = setUp();
    etcd.store.put(keys.handover, "{}");
    const a = await member("a");
    expect(await a.take()).toMatchObject({ takenAfter: "handover", waitMs: 0 });
    expect(etcd.store.get(keys.handover)).toBeUndefined();
    etcd.store.delete(keys.lock);
    expect(await (await member("b")).take()).toMatchObject({ takenAfter: "wait" });
  });

  test("keeps the hand-over and the round of the election when the answer was lost", async () => {
    const { clock, etcd, member } = setUp();
    const handover = { node: "b", token: 7, for: "a", masterStopped: true };
    etcd.store.put(keys.handover, JSON.stringify(handover));
    const handovers = { ...unknownHandovers, present: etcd.store.get(keys.handover) };
    const a = await member("a");
    let lost = 0;
    a.client.onAnswer = ({ call }) => (call === "txn" && lost++ === 0 ? "lost" : 0);
    const taking = a.take({ ...unknown, handovers, asksCandidates: true });
    await clock.advance(3_500);
    const lock = await taking;
    expect(lock).toMatchObject({ takenAfter: "handover", waitMs: 0, handover, round: lock?.token });
  });

  test("does not believe a hand-over that a restored snapshot brought back", async () => {
    const { etcd, member } = setUp();
    etcd.store.put(keys.handover, "{}");
    const a = await member("a");
    const handovers = { ...unknownHandovers, cameBack: etcd.store.get(keys.handover)?.createRevision ?? 0 };
    expect(await a.take({ ...unknown, handovers })).toMatchObject({ takenAfter: "wait" });
    etcd.store.delete(keys.lock);
    const b = await member("b");
    expect(await b.take({ ...unknown, revision: 1_000 })).toMatchObject({ takenAfter: "wait" });
  });

  test("does not believe a hand-over that the watch has shown to be gone, also before the watch shows it again", async () => {
    const { etcd, member } = setUp();
    etcd.store.put(keys.handover, "{}");
    const used = etcd.store.get(keys.handover);
    const a = await member("a");
    const handovers = { ...unknownHandovers, gone: new Set([`${used?.createRevision} {}`]) };
    const lock = await a.take({ ...unknown, handovers });
    expect(lock).toMatchObject({ takenAfter: "wait", waitMs: 6_000 });
    expect(lock?.handover).toBeUndefined();
  });

  test("waits where the answer was lost, and the watch had not shown which hand-over was there", async () => {
    const { clock, etcd, member } = setUp();
    etcd.store.put(keys.handover, "{}");
    const a = await member("a");
    let lost = 0;
    a.client.onAnswer = ({ call }) => (call === "txn" && lost++ === 0 ? "lost" : 0);
    const taking = a.take();
    await clock.advance(3_500);
    expect(await taking).toMatchObject({ takenAfter: "wait" });
  });

  test("does not believe a hand-over when an answer had a newer revision than the one in which it is taken", async () => {
    const { etcd, member } = setUp();
    etcd.store.put(keys.handover, "{}");
    const a = await member("a");
    expect(await a.take({ ...unknown, newestAnswer: 1_000 })).toMatchObject({ takenAfter: "wait" });
  });
});

test("a hand-over that is not believed is removed, so that nobody who knows less believes it later", async () => {
  const { etcd, member } = setUp();
  etcd.store.put(keys.handover, "{}");
  const handovers = { ...unknownHandovers, cameBack: etcd.store.get(keys.handover)?.createRevision ?? 0 };
  await (await member("a")).take({ ...unknown, handovers });
  expect(etcd.store.get(keys.handover)).toBeUndefined();
});

describe("publishing", () => {
  test("writes the node key and lowers the group's TTL to one's own", async () => {
    const { etcd, member } = setUp();
    etcd.store.put(keys.ttl, "8");
    const a = await member("a");
    const lock = await a.take();
    if (!lock) throw new Error("expected the lock");
    await publishMaster(a.client, keys, lock, a.options);
    expect(etcd.store.get(keys.node("a"))?.value).toBe("master");
    expect(etcd.store.get(keys.ttl)?.value).toBe("3");
    expect(a.membership.state).toBe("master");
  });

  test("is made good when its answer was lost", async () => {
    const { clock, member } = setUp();
    const a = await member("a");
    const lock = await a.take();
    if (!lock) throw new Error("expected the lock");
    let lost = 0;
    a.client.onAnswer = ({ call }) => (call === "txn" && lost++ === 0 ? "lost" : 0);
    const publishing = publishMaster(a.client, keys, lock, a.options);
    await clock.advance(3_500);
    await publishing;
    expect(a.membership.state).toBe("master");
  });

  test.each([
    ["the lock is gone", (key: string) => key === keys.lock],
    ["the node key is gone", (key: string) => key === keys.node("a")],
  ])("fails when %s", async (_what, isIt) => {
    const { etcd, member } = setUp();
    const a = await member("a");
    const lock = await a.take();
    if (!lock) throw new Error("expected the lock");
    for (const key of [keys.lock, keys.node("a")]) if (isIt(key)) etcd.store.delete(key);
    await expect(publishMaster(a.client, keys, lock, a.options)).rejects.toBeInstanceOf(LockLostError);
    expect(etcd.store.get(keys.node("a"))?.value).not.toBe("master");
  });

  test("fails when a restored etcd gave somebody else the same token", async () => {
    const { etcd, member } = setUp();
    const a = await member("a");
    const b = await member("b");
    const beforeTheTake = etcd.store.save();
    const lock = await a.take();
    if (!lock) throw new Error("expected the lock");
    etcd.store.restore(beforeTheTake);
    await b.take();
    await expect(publishMaster(a.client, keys, lock, a.options)).rejects.toBeInstanceOf(LockLostError);
    const put = putValue(a.client, keys, "x", "1", { lock, timeoutMs: 1_000 });
    await expect(put).rejects.toBeInstanceOf(LockLostError);
    expect(etcd.store.get(keys.node("a"))?.value).not.toBe("master");
  });

  test("fails when the lock was taken again by the very same node", async () => {
    const { etcd, member } = setUp();
    const a = await member("a");
    const lock = await a.take();
    if (!lock) throw new Error("expected the lock");
    etcd.store.delete(keys.lock);
    await a.take();
    await expect(publishMaster(a.client, keys, lock, a.options)).rejects.toMatchObject({ token: lock.token });
  });
});

describe("giving the lock back", () => {
  test("leaves a hand-over on a lease of its own, in one revision", async () => {
    const { etcd, member } = setUp();
    const a = await member("a");
    const lock = await a.take();
    if (!lock) throw new Error("expected the lock");
    const handover = await prepareHandover(a.client, a.options);
    expect(await giveBackLock(a.client, keys, lock, { ...a.options, handover })).toBe(true);
    expect(etcd.store.get(keys.lock)).toBeUndefined();
    expect(etcd.store.get(keys.handover)).toMatchObject({ lease: handover.id });
  });

  test("writes no hand-over when the lock is not ours any more", async () => {
    const { etcd, member } = setUp();
    const a = await member("a");
    const lock = await a.take();
    if (!lock) throw new Error("expected the lock");
    etcd.store.delete(keys.lock);
    await (await member("b")).take();
    const handover = await prepareHandover(a.client, a.options);
    expect(await giveBackLock(a.client, keys, lock, { ...a.options, handover })).toBe(false);
    expect(etcd.store.get(keys.handover)).toBeUndefined();
    expect(etcd.store.get(keys.lock)).toBeDefined();
  });

  test("does not give back another's lock that has the same token since etcd was restored", async () => {
    const { etcd, member } = setUp();
    const a = await member("a");
    const b = await member("b");
    const beforeTheTake = etcd.store.save();
    const lock = await a.take();
    if (!lock) throw new Error("expected the lock");
    etcd.store.restore(beforeTheTake);
    expect(await b.take()).toMatchObject({ token: lock.token });
    const handover = await prepareHandover(a.client, a.options);
    expect(await giveBackLock(a.client, keys, lock, { ...a.options, handover })).toBe(false);
    expect(etcd.store.get(keys.lock)).toMatchObject({ lease: b.lease.id });
    expect(etcd.store.get(keys.handover)).toBeUndefined();
  });

  test("leaves a hand-over also when everything took longer to go than its lease lasts", async () => {
    const { clock, etcd, member } = setUp();
    const a = await member("a");
    const lock = await a.take();
    if (!lock) throw new Error("expected the lock");
    const handover = await prepareHandover(a.client, a.options);
    await clock.advance(70_000);
    expect(await giveBackLock(a.client, keys, lock, { ...a.options, handover })).toBe(true);
    expect(etcd.store.get(keys.lock)).toBeUndefined();
    expect(etcd.store.get(keys.handover)?.value).toContain(String(lock.token));
  });

  test("knows its own hand-over again when the answer was lost", async () => {
    const { clock, member } = setUp();
    const a = await member("a");
    const lock = await a.take();
    if (!lock) throw new Error("expected the lock");
    const handover = await prepareHandover(a.client, a.options);
    let lost = 0;
    a.client.onAnswer = ({ call }) => (call === "txn" && lost++ === 0 ? "lost" : 0);
    const giving = giveBackLock(a.client, keys, lock, { ...a.options, handover });
    await clock.advance(3_500);
    expect(await giving).toBe(true);
  });
});
