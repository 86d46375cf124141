import { createManualClock } from "@msdha/clock";
import { LeaseLostError } from "@msdha/etcd-lease";
import { createSimulatedEtcd, type SimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { tryLock } from "./acquire-lock.ts";
import type { Lock } from "./lock.ts";
import { openSession, type Session } from "./session.ts";

const TTL_MS = 3_000;

async function setUp() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  let count = 0;
  const nonce = (): string => String(count++);
  const options = (name: string) => ({ ttlSeconds: TTL_MS / 1_000, name, clock, nonce });
  const open = async (name: string): Promise<Session> =>
    await openSession(etcd.connect(), "/jobs/", options(name));
  const after = async <T>(promise: Promise<T>, ms: number): Promise<T> => {
    for (let passed = 0; passed < ms; passed += 50) await clock.advance(50);
    return await promise;
  };
  const both = async (session: Session): Promise<readonly [Lock, Lock]> =>
    await after(Promise.all([session.acquire("a"), session.acquire("b")]), 2 * TTL_MS + 500);
  return { clock, etcd, open, options, after, both };
}

const keysOf = (store: { list(prefix: string): readonly { readonly key: string }[] }): readonly string[] =>
  store.list("/jobs/").map(({ key }) => key);

test("has several locks on one lease, proven by one write", async () => {
  const { etcd, open, both, after } = await setUp();
  const session = await open("x");
  const [a, b] = await both(session);
  expect(a.token).not.toBe(b.token);
  const leases = etcd.store
    .list("/jobs/")
    .flatMap(({ key, lease }) => (key.endsWith("/lock") ? [lease] : []));
  expect(new Set(leases).size).toBe(1);
  expect(keysOf(etcd.store).filter((key) => key.includes("_session"))).toHaveLength(1);
  const before = session.deadline;
  await after(Promise.resolve(), 20 * TTL_MS);
  expect(session.deadline).toBeGreaterThan(before + 15 * TTL_MS);
  expect([a.signal.aborted, b.signal.aborted, session.lost.aborted]).toEqual([false, false, false]);
});

test("hands one lock over and keeps the other", async () => {
  const { etcd, open, options, both, after } = await setUp();
  const session = await open("x");
  const [a, b] = await both(session);
  expect(await after(a.handOver(), 100)).toBe(true);
  const next = await after(tryLock(etcd.connect(), "/jobs/a", options("y")), 500);
  expect(next?.token).toBeGreaterThan(a.token);
  await after(Promise.resolve(), 10 * TTL_MS);
  expect(b.signal.aborted).toBe(false);
  await after(b.confirm(), 100);
});

test("gives one lock up: the next holder waits, and the session can take it again", async () => {
  const { clock, etcd, open, both, after } = await setUp();
  const session = await open("x");
  const [a, b] = await both(session);
  await after(a.release(), 100);
  expect(keysOf(etcd.store)).not.toContain("/jobs/a/lock");
  const begun = clock.now();
  let at = 0;
  const again = session.acquire("a").then((lock) => {
    at = clock.now();
    return lock;
  });
  expect((await after(again, 2 * TTL_MS + 500)).token).toBeGreaterThan(a.token);
  expect(at - begun).toBeGreaterThanOrEqual(2 * TTL_MS - 500);
  expect(b.signal.aborted).toBe(false);
});

test("refuses a lock that it has already", async () => {
  const { open, both } = await setUp();
  const session = await open("x");
  await both(session);
  await expect(session.tryAcquire("a")).rejects.toThrow("already has the lock a");
});

test.each<[string, (etcd: SimulatedEtcd) => void]>([
  ["etcd does not answer", ({ members }) => members[0]?.freeze()],
  ["one of them is deleted by hand", ({ store }) => store.delete("/jobs/b/lock")],
])("loses all locks when %s", async (_, hurt) => {
  const { etcd, open, both, after } = await setUp();
  const session = await open("x");
  const [a, b] = await both(session);
  hurt(etcd);
  await after(Promise.resolve(), TTL_MS + 100);
  expect(session.lost.reason).toBeInstanceOf(LeaseLostError);
  expect([a.signal.aborted, b.signal.aborted]).toEqual([true, true]);
  await expect(session.acquire("c")).rejects.toThrow(LeaseLostError);
});

test("its end gives all locks up", async () => {
  const { etcd, open, both, after } = await setUp();
  const session = await open("x");
  await both(session);
  await after(session.release(), 100);
  expect(keysOf(etcd.store).filter((key) => /lock$|handover$|_session/.test(key))).toEqual([]);
});

test("its end aborts the signals of its locks, ends what waits for one, and follows none any more", async () => {
  const { etcd, open, options, both, after } = await setUp();
  await after(tryLock(etcd.connect(), "/jobs/c", options("other")), 2 * TTL_MS + 500);
  const session = await open("x");
  const [a, b] = await both(session);
  const waiting = session.acquire("c");
  const why = expect(waiting).rejects.toThrow("the session was released");
  await after(Promise.resolve(), 100);
  await after(session.release(), 100);
  await why;
  expect([a.signal.aborted, b.signal.aborted]).toEqual([true, true]);
  expect(await after(a.handOver(), 100)).toBe(false);
});
