import type { KeyValue } from "@msdha/etcd-client";
import { applyBatch, createGroupView, type GroupView, groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { advancePromotion, type Promotion } from "./follow-promotion.ts";

const keys = groupKeys("db");

function kv(key: string, value: unknown, lease = "2", revision = 7): KeyValue {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { key, value: text, lease, createRevision: revision, modRevision: revision };
}

const former = kv(keys.term(7), { node: "a", run: "ra", beganAt: 1, takenAfter: "wait" }, "0");
const b = [kv(keys.node("b"), "ready"), kv(keys.details("b"), { runId: "rb", address: "b", ttlSeconds: 3 })];
const order = { run: "rb", token: 7 };
const ordered = kv(keys.ask("promote", "b"), order, "9", 10);
const accepted = kv(keys.ask("promote", "b"), { ...order, accepted: true }, "9", 11);
const lock = kv(keys.lock, { node: "b", takenAfter: "wait" }, "2", 20);
const master = kv(keys.node("b"), "master", "2", 21);
const term = kv(keys.term(20), { node: "b", run: "rb", beganAt: 1, takenAfter: "wait" }, "0");

function view(...kvs: readonly KeyValue[]): GroupView {
  return applyBatch(createGroupView("db"), { type: "snapshot", revision: 30, kvs: [former, ...kvs] });
}

/** What the views show, one every 10 ms. */
function follow(...views: readonly GroupView[]): Promotion {
  const begin: Promotion = { node: "b", run: "rb", after: 7, request: 10 };
  return views.reduce((progress, each, index) => advancePromotion(progress, each, 10 * index), begin);
}

test("dates each step by when it was first seen", () => {
  const progress = follow(
    view(...b, ordered),
    view(...b, lock, accepted),
    view(...b, lock, master, term),
    view(...b, lock, master, term),
  );
  expect(progress).toMatchObject({
    acceptedAt: 10,
    published: { node: "b", token: 20, at: 20 },
    openAt: 20,
  });
  expect(progress.goneAt ?? progress.endedAt).toBeUndefined();
});

test("takes an order that was carried out between two views for accepted, not for taken away", () => {
  const published = follow(view(...b, ordered), view(...b, lock, master, term));
  expect(published).toMatchObject({ acceptedAt: 10, openAt: 10 });
  // It was the master, and has ended.
  expect(follow(view(...b, ordered), view(term)).goneAt).toBeUndefined();
});

test("says that the order is gone, that its run has ended, and that another node was published", () => {
  expect(follow(view(...b)).goneAt).toBe(0);
  expect(follow(view(ordered)).endedAt).toBe(0);
  const later = kv(keys.details("b"), { runId: "later", address: "b", ttlSeconds: 3 });
  expect(follow(view(kv(keys.node("b"), "ready"), later, ordered)).endedAt).toBe(0);
  const lockOfC = kv(keys.lock, { node: "c", takenAfter: "wait" }, "3", 20);
  const c = kv(keys.node("c"), "master", "3", 21);
  const other = follow(view(...b, ordered, lockOfC, c));
  expect(other.published).toMatchObject({ node: "c", token: 20 });
  expect(other.acceptedAt).toBeUndefined();
});
