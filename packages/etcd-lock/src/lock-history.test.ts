import type { WatchEvent } from "@msdha/etcd-client";
import type { WatchBatch } from "@msdha/etcd-watch";
import fc from "fast-check";
import { expect, test } from "vitest";
import { doubtFreeLock, followLock, type LockHistory, unknownLockHistory } from "./lock-history.ts";

const keys = { lock: "/db/lock", handover: "/db/handover", ttl: "/db/ttl" };

function kv(revision: number, key = keys.lock, value = "") {
  return { key, value, createRevision: revision, modRevision: revision, lease: "7" };
}
/** A take as its holder's watch has it: the lock, whose value names the record that it found, and the new record. */
const take = (revision: number, record = 0): readonly [WatchEvent, WatchEvent] => [
  { type: "PUT", kv: kv(revision, keys.lock, JSON.stringify({ node: "a", takenAfter: "wait", record })) },
  { type: "PUT", kv: kv(revision, keys.ttl, "3") },
];
const drop = (revision: number): WatchEvent => ({ type: "DELETE", kv: kv(revision) });
const dropRecord = (revision: number): WatchEvent => ({ type: "DELETE", kv: kv(revision, keys.ttl) });
const other: WatchEvent = { type: "PUT", kv: kv(1, "/db/a") };

function changes(events: readonly WatchEvent[], { resync = false, resumed = false } = {}): WatchBatch {
  return { type: "changes", revision: 100, events, resumed, resync, restored: false };
}

function after(...batches: readonly (readonly [WatchBatch, number])[]): LockHistory {
  return batches.reduce((history, [batch, now]) => followLock(history, keys, batch, now), unknownLockHistory);
}

const free: WatchBatch = { type: "snapshot", revision: 1, kvs: [] };
const held: WatchBatch = { type: "snapshot", revision: 1, kvs: [kv(1), kv(1, keys.ttl, "3")] };

test("the lock is free since the first answer that shows it so, whatever else changes", () => {
  expect(after([free, 10], [changes([other]), 20]).freeSince).toBe(10);
  expect(after([held, 10], [changes([other]), 20]).freeSince).toBeUndefined();
});

test("a take ends that time, and says since when it had lasted", () => {
  expect(after([free, 10], [changes(take(5)), 20])).toEqual({
    freeSince: undefined,
    freeRecord: 0,
    record: 5,
    freedRevision: 0,
    lastTake: { token: 5, lease: "7", freeSince: 10 },
  });
});

test("a lock that was held and given back in between makes the time begin anew", () => {
  const history = after([free, 10], [changes([...take(5), drop(6), ...take(7, 5)]), 20]);
  expect(history).toMatchObject({
    freeSince: undefined,
    freedRevision: 6,
    lastTake: { token: 7, lease: "7", freeSince: 20 },
  });
  expect(after([held, 10], [changes([drop(6)]), 20], [changes(take(7, 1)), 30]).lastTake).toEqual({
    token: 7,
    lease: "7",
    freeSince: 20,
  });
});

test("a lock that is written again by its holder is not taken anew", () => {
  const again: WatchEvent = { type: "PUT", kv: kv(5) };
  const history = after([free, 10], [changes(take(5)), 20], [changes([again]), 30]);
  expect(history.lastTake).toEqual({ token: 5, lease: "7", freeSince: 10 });
});

test("a take that found another record than the watch had says nothing of the time before it", () => {
  expect(after([free, 10], [changes(take(7, 5)), 20]).lastTake).toBeUndefined();
  expect(after([held, 10], [changes([drop(6)]), 20], [changes(take(9, 8)), 30]).lastTake).toBeUndefined();
  const byEarlierVersion: WatchEvent = {
    type: "PUT",
    kv: kv(5, keys.lock, '{"node":"a","takenAfter":"wait"}'),
  };
  expect(after([free, 10], [changes([byEarlierVersion]), 20]).lastTake).toBeUndefined();
});

test("a record that changed while the lock was seen free says that somebody took it unseen", () => {
  const [, record] = take(5);
  const history = after([free, 10], [changes([record]), 20], [changes(take(7, 5)), 30]);
  expect(history.lastTake).toBeUndefined();
});

test("a lock that went together with the record is free without one", () => {
  const gone = changes([drop(6), dropRecord(6)]);
  expect(after([held, 10], [gone, 20], [changes(take(7)), 30]).lastTake).toMatchObject({ freeSince: 20 });
});

test("an answer that names another holder ends the time in which the lock was free", () => {
  const doubted = doubtFreeLock(after([free, 10]));
  expect(followLock(doubted, keys, changes(take(5)), 20).lastTake).toBeUndefined();
  const freed = followLock(doubted, keys, changes([...take(5), drop(6)]), 20);
  expect(followLock(freed, keys, changes(take(7, 5)), 30).lastTake).toMatchObject({ freeSince: 20 });
});

test("nothing is known of the time before steps were missing", () => {
  expect(after([free, 10], [changes([], { resync: true }), 20])).toMatchObject({
    freeSince: 20,
    freedRevision: 0,
    lastTake: undefined,
  });
  const nothing = { ...unknownLockHistory, freeRecord: 5, record: 5 };
  expect(after([free, 10], [changes(take(5), { resync: true }), 20])).toEqual(nothing);
  expect(after([held, 10], [changes([], { resync: true }), 20])).toMatchObject({ freeSince: undefined });
  expect(after([held, 10], [changes([drop(6)], { resync: true }), 20]).freeSince).toBe(20);
});

test("a watch that was broken may have missed steps of a restored etcd: only what comes after that counts", () => {
  const resumed = { resumed: true };
  expect(after([free, 10], [changes(take(5), resumed), 20])).toMatchObject({
    freeSince: undefined,
    lastTake: undefined,
  });
  expect(after([free, 10], [changes([other], resumed), 20], [changes(take(5)), 30]).lastTake).toBeUndefined();
  expect(after([free, 10], [changes(take(5)), 20], [changes([other], resumed), 30]).lastTake).toBeUndefined();
  expect(after([held, 10], [changes([drop(6), ...take(7, 1)], resumed), 20])).toMatchObject({
    freeSince: undefined,
    freedRevision: 6,
    lastTake: { token: 7, lease: "7", freeSince: 20 },
  });
});

/** What happens to the lock, in order, with whether the watch tells of it: of all of a revision, of a part, or of nothing. */
const step = fc.record({
  act: fc.constantFrom("take", "drop", "publish", "node"),
  told: fc.constantFrom("all", "all", "all", "nothing", "first", "last"),
});

test("whatever the watch misses, no time counts in which somebody else held the lock", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let history = followLock(unknownLockHistory, keys, free, 0);
      let lock: { readonly token: number; readonly freeSince: number } | undefined;
      let freeSince = 0;
      let record = 0;
      steps.forEach(({ act, told }, index) => {
        const revision = index + 2;
        const now = revision * 10;
        const events = happen(act, revision);
        if (act === "take" && events.length > 0) lock = { token: revision, freeSince };
        if (act === "drop" && events.length > 0) {
          lock = undefined;
          freeSince = now;
        }
        if (events.some(({ kv: { key } }) => key === keys.ttl)) record = revision;
        const parts = { all: events, nothing: [], first: events.slice(0, 1), last: events.slice(-1) };
        history = followLock(history, keys, changes(parts[told]), now);
        if (lock && history.lastTake?.token === lock.token) {
          expect(history.lastTake.freeSince).toBeGreaterThanOrEqual(lock.freeSince);
        }
      });

      function happen(act: string, revision: number): readonly WatchEvent[] {
        if (act === "take") return lock ? [] : take(revision, record);
        if (act === "drop") return lock ? [drop(revision)] : [];
        if (act === "node") return [{ type: "PUT", kv: kv(revision, "/db/a") }];
        return lock ? [{ type: "PUT", kv: kv(revision, keys.ttl, "3") }] : [];
      }
    }),
    { numRuns: 5_000 },
  );
});
