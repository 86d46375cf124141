import { createManualClock } from "@msdha/clock";
import { acquireLease } from "@msdha/etcd-lease";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { isFirst } from "./candidacy.ts";
import { followGroup } from "./follow-group.ts";
import { groupKeys } from "./keys.ts";
import { joinGroup } from "./membership.ts";

const keys = groupKeys("db");

async function setUp() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  const { signal } = new AbortController();
  const client = etcd.connect();
  const lease = await acquireLease(client, { ttlSeconds: 3, clock });
  const follower = followGroup(client, "db", { clock, signal });
  const details = { runId: "m", address: "m", ttlSeconds: 3, ranks: true };
  const membership = await joinGroup(client, keys, { name: "m", lease, details, clock, signal });
  const rival = async (
    name: string,
    rank?: number,
    { ranks = true, state = "ready" } = {},
  ): Promise<void> => {
    const text = JSON.stringify({ runId: name, address: name, ttlSeconds: 3, ranks });
    etcd.store.put(keys.details(name), text);
    etcd.store.put(keys.node(name), state);
    if (rank !== undefined) etcd.store.put(keys.rank(name), String(rank));
    await clock.advance(0);
  };
  const decide = () => {
    const began = clock.now();
    const outcome: { first?: boolean; afterMs?: number } = {};
    void isFirst(client, follower, 10, { membership, ttlSeconds: 3, clock, signal }).then((first) => {
      Object.assign(outcome, { first, afterMs: clock.now() - began });
    });
    return outcome;
  };
  return { clock, etcd, rival, decide };
}

test("goes first at once when nobody else ranks", async () => {
  const { clock, etcd, rival, decide } = await setUp();
  await rival("a", undefined, { ranks: false });
  await rival("b", 99, { state: "running_not_ready" });
  const outcome = decide();
  await clock.advance(0);
  expect(outcome).toEqual({ first: true, afterMs: 0 });
  expect(etcd.store.get(keys.rank("m"))?.value).toBe("10");
});

test("goes first at once when it has heard that all the others are behind", async () => {
  const { clock, rival, decide } = await setUp();
  await rival("a", 9);
  await rival("z", 10);
  const outcome = decide();
  await clock.advance(0);
  expect(outcome.first).toBe(true);
});

test("waits for those that have not said their rank, for half a second", async () => {
  const { clock, rival, decide } = await setUp();
  await rival("a");
  const outcome = decide();
  await clock.advance(499);
  expect(outcome).toEqual({});
  await clock.advance(1);
  expect(outcome).toEqual({ first: true, afterMs: 500 });
});

test("stands aside for who is ahead until that one has taken the lock", async () => {
  const { clock, etcd, rival, decide } = await setUp();
  await rival("a", 11);
  const outcome = decide();
  await clock.advance(1_000);
  expect(outcome).toEqual({});
  etcd.store.put(keys.lock, JSON.stringify({ node: "a", via: "handover" }));
  await clock.advance(0);
  expect(outcome.first).toBe(false);
});

test("stands aside no longer than a TTL, or until who is ahead is gone", async () => {
  const patient = await setUp();
  await patient.rival("a", 11);
  const waiting = patient.decide();
  await patient.clock.advance(3_000);
  expect(waiting).toEqual({ first: true, afterMs: 3_000 });
  const { clock, etcd, rival, decide } = await setUp();
  await rival("a", 11);
  const outcome = decide();
  await clock.advance(700);
  etcd.store.delete(keys.node("a"));
  await clock.advance(0);
  expect(outcome).toEqual({ first: true, afterMs: 700 });
});

test("gives way to the name that comes first among equals", async () => {
  const { clock, rival, decide } = await setUp();
  await rival("a", 10);
  const outcome = decide();
  await clock.advance(100);
  expect(outcome).toEqual({});
});

test("believes no rank of before the lock was free", async () => {
  const { clock, etcd, rival, decide } = await setUp();
  await rival("a", 99);
  etcd.store.put(keys.lock, JSON.stringify({ node: "x", via: "wait" }));
  await clock.advance(0);
  etcd.store.delete(keys.lock);
  await clock.advance(0);
  const outcome = decide();
  await clock.advance(500);
  expect(outcome.first).toBe(true);
});
