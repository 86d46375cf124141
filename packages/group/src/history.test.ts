import { createManualClock } from "@msdha/clock";
import { acquireLease } from "@msdha/etcd-lease";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { listForgottenTerms, recordFormerEnd } from "./ended-terms.ts";
import { followGroup } from "./follow-group.ts";
import { giveBackLock, prepareHandover } from "./hand-over.ts";
import { groupKeys } from "./keys.ts";
import { joinGroup } from "./membership.ts";
import { publishMaster } from "./publish-master.ts";
import { readGroup } from "./read-group.ts";
import { takeLock } from "./take-lock.ts";
import { parseTerm, type Term, writeTerm } from "./term.ts";

const keys = groupKeys("db");
const unknown = { ttl: { seconds: 0, modRevision: 0 }, revision: 0 };
const { signal } = new AbortController();

async function setUp() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  const client = etcd.connect();
  const lease = await acquireLease(client, { ttlSeconds: 3, probeKey: "/msdha/", clock });
  const details = { runId: "r", address: "a", ttlSeconds: 3 };
  const wallClock = () => 1_790_000_000_000 + clock.now();
  const membership = await joinGroup(client, keys, { name: "a", lease, details, clock, wallClock, signal });
  const options = { membership, ttlSeconds: 3, clock };
  const lock = await takeLock(client, keys, unknown, options);
  if (!lock) throw new Error("expected the lock");
  const term: Term = { token: lock.token, node: "a", run: "r", beganAt: wallClock(), takenAfter: "wait" };
  const stored = (token = lock.token) => parseTerm(token, etcd.store.get(keys.term(token))?.value ?? "");
  return { clock, etcd, client, lease, membership, options, lock, term, stored };
}

test("a publication records the master's time in the same revision", async () => {
  const { etcd, client, options, lock, term, stored } = await setUp();
  await publishMaster(client, keys, lock, { ...options, history: { term, forget: [] } });
  expect(stored()).toEqual(term);
  expect(etcd.store.get(keys.term(lock.token))?.modRevision).toBe(
    etcd.store.get(keys.node("a"))?.modRevision,
  );
});

test("a publication that fails records nothing", async () => {
  const { etcd, client, options, lock, term, stored } = await setUp();
  etcd.store.delete(keys.lock);
  await expect(
    publishMaster(client, keys, lock, { ...options, history: { term, forget: [] } }),
  ).rejects.toMatchObject({ code: "ERR_LOCK_LOST" });
  expect(stored()).toBeUndefined();
});

test("a group keeps 200 terms: a publication forgets the oldest", async () => {
  const { etcd, client, options, lock, term } = await setUp();
  // Tokens that are smaller than the lock's do not suffice: a restored etcd counts anew.
  for (let token = 1_000; token < 1_205; token += 1) {
    etcd.store.put(keys.term(token), writeTerm({ ...term, token }));
  }
  const forget = listForgottenTerms(await readGroup(client, "db", { timeoutMs: 1_000 }));
  expect(forget).toEqual([1_000, 1_001, 1_002, 1_003, 1_004, 1_005]);
  await publishMaster(client, keys, lock, { ...options, history: { term, forget } });
  expect((await readGroup(client, "db", { timeoutMs: 1_000 })).terms.size).toBe(200);
});

test("giving the lock back with a hand-over records how the time ended", async () => {
  const { client, options, lock, term, stored } = await setUp();
  await publishMaster(client, keys, lock, { ...options, history: { term, forget: [] } });
  const end = { why: "asked to stop: SIGTERM", at: 1_790_000_000_500, by: "itself" } as const;
  const handover = await prepareHandover(client, options);
  await giveBackLock(client, keys, lock, { ...options, handover, term: { ...term, end } });
  expect(stored()).toEqual({ ...term, end });
});

test("without a hand-over it puts nothing, so that an etcd without space takes it", async () => {
  const { etcd, client, options, lock, term, stored } = await setUp();
  await publishMaster(client, keys, lock, { ...options, history: { term, forget: [] } });
  const end = { why: "asked to stop: SIGTERM", at: 1_790_000_000_500, by: "itself" } as const;
  etcd.store.put(keys.ask("switchover"), "{}");
  const ask = { kind: "switchover", node: undefined } as const;
  await giveBackLock(client, keys, lock, { ...options, handover: undefined, term: { ...term, end }, ask });
  expect(stored()?.end).toBeUndefined();
  expect(etcd.store.get(keys.lock)).toBeUndefined();
  expect(etcd.store.get(keys.ask("switchover"))).toBeUndefined();
});

test("a node's next run writes the end that its former run could not, once, and no other's", async () => {
  const { client, options, lock, term, stored } = await setUp();
  await publishMaster(client, keys, lock, { ...options, history: { term, forget: [] } });
  const end = { why: "the run ended without a trace", by: "next_run" } as const;
  const call = { timeoutMs: 1_000 };
  const { token } = lock;
  expect(await recordFormerEnd(client, keys, { token, run: "other", end }, call)).toBe(false);
  expect(await recordFormerEnd(client, keys, { token: 7_777, run: "r", end }, call)).toBe(false);
  expect(await recordFormerEnd(client, keys, { token, run: "r", end }, call)).toBe(true);
  expect(await recordFormerEnd(client, keys, { token, run: "r", end: { ...end, why: "late" } }, call)).toBe(
    false,
  );
  expect(stored()).toEqual({ ...term, end });
});

test("says since when a node is in its state", async () => {
  const { clock, etcd, membership, lease } = await setUp();
  expect(etcd.store.get(keys.since("a"))).toMatchObject({ value: "1790000000000", lease: lease.id });
  await clock.advance(1_000);
  await membership.enter("ready");
  expect(etcd.store.get(keys.since("a"))?.value).toBe("1790000001000");
});

test("knows when the group was last seen to have a master: at its last proof, or when it began to stop", async () => {
  const { clock, etcd, client, lease, options, lock } = await setUp();
  const follower = followGroup(client, "db", { clock, signal });
  await clock.advance(500);
  expect(follower.masterSeen).toBeUndefined();
  await publishMaster(client, keys, lock, options);
  await clock.advance(500);
  expect(follower.masterSeen).toBe(500);
  etcd.store.put(keys.proof(lease.id), "1", { lease: lease.id });
  await clock.advance(700);
  expect(follower.masterSeen).toBe(1_000);
  const before = etcd.store.save();
  etcd.store.delete(keys.node("a"));
  await clock.advance(300);
  expect(follower.masterSeen).toBe(1_700);
  etcd.store.restore(before);
  await clock.advance(100);
  await client.leaseRevoke(lease.id, { timeoutMs: 1_000 });
  await clock.advance(300);
  expect(follower.masterSeen).toBeLessThanOrEqual(2_100);
});
