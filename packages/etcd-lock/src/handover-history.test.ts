import type { WatchEvent } from "@msdha/etcd-client";
import type { WatchBatch } from "@msdha/etcd-watch";
import { expect, test } from "vitest";
import {
  followHandovers,
  type HandoverHistory,
  staleHandover,
  unknownHandovers,
  wasUsed,
} from "./handover-history.ts";

const keys = { lock: "/db/lock", handover: "/db/handover", ttl: "/db/ttl" };

function kv(revision: number, value = "{}") {
  return { key: keys.handover, value, createRevision: revision, modRevision: revision, lease: "7" };
}
const put = (revision: number, value?: string): WatchEvent => ({ type: "PUT", kv: kv(revision, value) });
const remove = (revision: number): WatchEvent => ({ type: "DELETE", kv: kv(revision) });

function changes(events: readonly WatchEvent[], { restored = false } = {}): WatchBatch {
  return { type: "changes", revision: 100, events, resumed: false, resync: false, restored };
}

function after(...batches: readonly WatchBatch[]): HandoverHistory {
  return batches.reduce((history, batch) => followHandovers(history, keys, batch), unknownHandovers);
}

test("what the watch shows may be believed, and what is newer than all that it has shown", () => {
  expect(staleHandover(after(changes([put(5)])), 9)).toBe(4);
  expect(staleHandover(after({ type: "snapshot", revision: 9, kvs: [kv(5)] }), 9)).toBe(4);
  expect(staleHandover(after(changes([put(5), remove(6)])), 9)).toBe(9);
});

test("what is there when a restore was noticed may not", () => {
  const history = after(changes([put(5)]), changes([], { restored: true }));
  expect(staleHandover(history, 9)).toBe(5);
  expect(staleHandover(followHandovers(history, keys, changes([put(12)])), 12)).toBe(11);
});

test("one that went and is there again was used, unnoticed restore or not", () => {
  const used = after(changes([put(5), remove(6)]));
  expect(wasUsed(used, kv(5))).toBe(true);
  expect(staleHandover(followHandovers(used, keys, changes([put(5)])), 5)).toBe(5);
  expect(wasUsed(used, kv(5, "another one"))).toBe(false);
  expect(wasUsed(used, kv(7))).toBe(false);
});

test("one that is shown twice was not", () => {
  const history = after(changes([put(5)]), changes([put(5)]), {
    type: "snapshot",
    revision: 9,
    kvs: [kv(5)],
  });
  expect(wasUsed(history, kv(5))).toBe(false);
  expect(staleHandover(history, 9)).toBe(4);
});

test("one that is replaced, or missing in a new reading, has gone", () => {
  expect(wasUsed(after(changes([put(5)]), changes([put(7)])), kv(5))).toBe(true);
  expect(wasUsed(after(changes([put(5)]), { type: "snapshot", revision: 9, kvs: [] }), kv(5))).toBe(true);
});

test("no more than the last thousand are remembered", () => {
  const all = Array.from({ length: 1_001 }, (_, n) => [put(2 * n + 1), remove(2 * n + 2)]).flat();
  const history = after(changes(all));
  expect(history.gone.size).toBe(1_000);
  expect(wasUsed(history, kv(1))).toBe(false);
  expect(wasUsed(history, kv(2_001))).toBe(true);
});
