import type { KeyValue } from "@msdha/etcd-client";
import { applyBatch, createGroupView, type GroupView, groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { advance, type Progress, withoutMasterMs } from "./follow-switchover.ts";

const keys = groupKeys("db");

function kv(key: string, value: unknown, lease = "1", revision = 7): KeyValue {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { key, value: text, lease, createRevision: revision, modRevision: revision };
}

const lockOfA = kv(keys.lock, { node: "a", takenAfter: "wait" });
const lockOfB = kv(keys.lock, { node: "b", takenAfter: "handover" }, "2", 20);
const handover = kv(keys.handover, { from: "a" }, "0", 19);
const a = kv(keys.node("a"), "master");
const b = kv(keys.node("b"), "ready", "2");
const masterB = kv(keys.node("b"), "master", "2", 21);
const ask = kv(keys.ask("switchover"), { token: 7, to: "b" }, "9", 10);
const accepted = kv(keys.ask("switchover"), { token: 7, to: "b", accepted: true }, "9", 11);
const held = kv(keys.details("b"), { runId: "r", address: "b", ttlSeconds: 3, held: true }, "2");

function view(...kvs: readonly KeyValue[]): GroupView {
  return applyBatch(createGroupView("db"), { type: "snapshot", revision: 30, kvs });
}

/** What the views show, one every 10 ms. */
function follow(...views: readonly GroupView[]): Progress {
  const begin: Progress = { token: 7, request: 10 };
  return views.reduce((progress, each, index) => advance(progress, each, 10 * index), begin);
}

test("dates each step by when it was first seen", () => {
  const progress = follow(
    view(lockOfA, a, b, ask),
    view(lockOfA, a, b, accepted),
    view(lockOfA, b, accepted),
    view(b, handover),
    view(lockOfB, b),
    view(lockOfB, masterB, held),
    view(lockOfB, masterB),
  );
  expect(progress).toMatchObject({
    acceptedAt: 10,
    leftAt: 20,
    free: { handedOver: true, at: 30 },
    taken: { node: "b", waits: false, at: 40 },
    published: { node: "b", token: 20, at: 50 },
    openAt: 60,
  });
  expect(progress.refusedAt).toBeUndefined();
  expect(withoutMasterMs(progress)).toBe(40);
});

test("a master whose lock ends without a hand-over may still run, and the next one waits", () => {
  const waiting = kv(keys.lock, { node: "b", takenAfter: "wait" }, "2", 20);
  const begun = [view(lockOfA, a, b, accepted), view(lockOfA, b, accepted)];
  expect(follow(...begun, view(b), view(waiting, b))).toMatchObject({
    free: { handedOver: false, at: 20 },
    taken: { node: "b", waits: true, at: 30 },
  });
  expect(follow(...begun, view(waiting, b)).free).toEqual({ handedOver: false, at: 20 });
});

test("a request that is gone while the master is what it was is refused", () => {
  expect(follow(view(lockOfA, a, b, ask), view(lockOfA, a, b))).toMatchObject({ refusedAt: 10 });
});

test("steps that one view shows together have one time", () => {
  const progress = follow(view(lockOfA, a, b, accepted), view(lockOfB, masterB));
  expect(progress).toMatchObject({ leftAt: 10, free: { handedOver: true, at: 10 }, openAt: 10 });
});

test("a time that was seen too late is not told shorter than the next master measured it", () => {
  const begin = kv(keys.term(20), { node: "b", run: "s", beganAt: 9, takenAfter: "handover", gapMs: 45 });
  const late = [view(lockOfA, a, b, accepted), view(lockOfB, b), view(lockOfB, masterB, begin)];
  expect(withoutMasterMs(follow(...late))).toBe(45);
  const [first, ...others] = late;
  const early = [first, view(lockOfA, b, accepted), view(b), view(b), view(b), view(b), ...others];
  expect(withoutMasterMs(follow(...early.filter((each) => each !== undefined)))).toBe(60);
});

test("one that was over between two views was accepted if the master's own record says so", () => {
  const why = "asked to stop: switchover to b: kernel update";
  const end = (by: string, why: string): KeyValue =>
    kv(keys.term(7), { node: "a", run: "r", beganAt: 1, takenAfter: "wait", end: { why, by } });
  const begin = kv(keys.term(20), { node: "b", run: "s", beganAt: 9, takenAfter: "handover", gapMs: 45 });
  const fast = follow(view(lockOfA, a, b, ask), view(lockOfB, masterB, end("itself", why), begin));
  expect(fast).toMatchObject({ acceptedAt: 10, leftAt: 10, openAt: 10 });
  expect(withoutMasterMs(fast)).toBe(45);
  for (const lost of [end("itself", "the lease was not proved"), end("next_run", why)]) {
    expect(follow(view(lockOfA, a, b, ask), view(lockOfB, masterB, lost)).acceptedAt).toBeUndefined();
  }
  expect(withoutMasterMs(follow(view(lockOfA, a, b, ask), view(lockOfB, masterB)))).toBeUndefined();
});

test("a view that is older than the request says nothing", () => {
  const old = { ...view(lockOfA, a, b), revision: 9 };
  expect(follow(old)).toEqual({ token: 7, request: 10 });
});
