import type { WatchEvent } from "@msdha/etcd-client";
import type { WatchBatch } from "@msdha/etcd-watch";
import { expect, test } from "vitest";
import { groupKeys } from "./keys.ts";
import { followLock, type LockHistory, unknownLockHistory } from "./lock-history.ts";

const keys = groupKeys("db");

function kv(revision: number, key = keys.lock) {
  return { key, value: "", createRevision: revision, modRevision: revision, lease: "7" };
}
const take = (revision: number): WatchEvent => ({ type: "PUT", kv: kv(revision) });
const drop = (revision: number): WatchEvent => ({ type: "DELETE", kv: kv(revision) });
const other: WatchEvent = { type: "PUT", kv: kv(1, keys.node("a")) };

function changes(events: readonly WatchEvent[], { resync = false, resumed = false } = {}): WatchBatch {
  return { type: "changes", revision: 100, events, resumed, resync, restored: false };
}

function after(...batches: readonly (readonly [WatchBatch, number])[]): LockHistory {
  return batches.reduce((history, [batch, now]) => followLock(history, keys, batch, now), unknownLockHistory);
}

const free: WatchBatch = { type: "snapshot", revision: 1, kvs: [] };
const held: WatchBatch = { type: "snapshot", revision: 1, kvs: [kv(1)] };

test("the lock is free since the first answer that shows it so, whatever else changes", () => {
  expect(after([free, 10], [changes([other]), 20]).freeSince).toBe(10);
  expect(after([held, 10], [changes([other]), 20]).freeSince).toBeUndefined();
});

test("a take ends that time, and says since when it had lasted", () => {
  expect(after([free, 10], [changes([take(5)]), 20])).toEqual({
    freeSince: undefined,
    freedRevision: 0,
    lastTake: { token: 5, lease: "7", freeSince: 10 },
  });
});

test("a lock that was held and given back in between makes the time begin anew", () => {
  const history = after([free, 10], [changes([take(5), drop(6), take(7)]), 20]);
  expect(history).toEqual({
    freeSince: undefined,
    freedRevision: 6,
    lastTake: { token: 7, lease: "7", freeSince: 20 },
  });
  expect(after([held, 10], [changes([drop(6)]), 20], [changes([take(7)]), 30]).lastTake).toEqual({
    token: 7,
    lease: "7",
    freeSince: 20,
  });
});

test("a lock that is written again by its holder is not taken anew", () => {
  const history = after([free, 10], [changes([take(5)]), 20], [changes([{ type: "PUT", kv: kv(5) }]), 30]);
  expect(history.lastTake).toEqual({ token: 5, lease: "7", freeSince: 10 });
});

test("nothing is known of the time before steps were missing", () => {
  expect(after([free, 10], [changes([], { resync: true }), 20])).toEqual({
    freeSince: 20,
    freedRevision: 0,
    lastTake: undefined,
  });
  expect(after([free, 10], [changes([take(5)], { resync: true }), 20])).toEqual(unknownLockHistory);
  expect(after([held, 10], [changes([], { resync: true }), 20])).toEqual(unknownLockHistory);
  expect(after([held, 10], [changes([drop(6)], { resync: true }), 20]).freeSince).toBe(20);
});

test("a watch that was broken may have missed steps of a restored etcd: only what comes after that counts", () => {
  expect(after([free, 10], [changes([take(5)], { resumed: true }), 20])).toEqual(unknownLockHistory);
  expect(after([free, 10], [changes([other], { resumed: true }), 20], [changes([take(5)]), 30])).toEqual(
    unknownLockHistory,
  );
  expect(
    after([free, 10], [changes([take(5)]), 20], [changes([other], { resumed: true }), 30]).lastTake,
  ).toBe(undefined);
  expect(after([held, 10], [changes([drop(6), take(7)], { resumed: true }), 20])).toEqual({
    freeSince: undefined,
    freedRevision: 6,
    lastTake: { token: 7, lease: "7", freeSince: 20 },
  });
});
