import type { KeyValue } from "@msdha/etcd-client";
import { applyBatch, createGroupView, groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { describeView, type SeenGroup } from "../requests/describe-view.ts";
import { listChanges } from "./changes.ts";

const keys = groupKeys("db");

function kv(key: string, value: unknown, lease = "1", revision = 7): KeyValue {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { key, value: text, lease, createRevision: revision, modRevision: revision };
}

function status(...kvs: readonly KeyValue[]): SeenGroup {
  return describeView(applyBatch(createGroupView("db"), { type: "snapshot", revision: 9, kvs }));
}

const lock = kv(keys.lock, { node: "a", takenAfter: "wait" });
const term = { node: "a", run: "r", beganAt: 1, takenAfter: "wait", gapMs: 28_400 };
const texts = (before: SeenGroup, after: SeenGroup): readonly string[] =>
  listChanges(before, after).map(({ text }) => text);

test("says what happened to nodes, master and requests", () => {
  const none = status();
  const ready = status(kv(keys.node("a"), "ready"));
  const master = status(lock, kv(keys.node("a"), "master"), kv(keys.term(7), term));
  const paused = status(
    lock,
    kv(keys.node("a"), "master"),
    kv(keys.term(7), term),
    kv(keys.ask("pause"), { why: "work" }),
  );
  const ended = status(
    kv(keys.term(7), { ...term, end: { why: "asked to stop: SIGTERM", by: "itself", at: 9 } }),
  );
  expect(texts(none, ready)).toEqual(["a: not there → ready"]);
  expect(texts(ready, master)).toEqual([
    "a: ready → master",
    "a is the master (token 7), after the wait, 28.4 s without a master",
  ]);
  expect(texts(master, paused)).toEqual(["pause asked for: work"]);
  expect(texts(paused, master)).toEqual(["pause is over"]);
  expect(texts(master, ended)).toEqual([
    "a's time as the master ended: asked to stop: SIGTERM",
    "a: master → gone",
    "a is not the master any more",
  ]);
  expect(texts(master, master)).toEqual([]);
  const asked = (accepted: boolean, revision: number): SeenGroup =>
    status(lock, kv(keys.ask("switchover"), { token: 7, why: "work", accepted }, "1", revision));
  expect(texts(status(lock), asked(false, 8))).toEqual(["switchover asked for: work"]);
  expect(texts(asked(false, 8), asked(true, 9))).toEqual(["switchover accepted"]);
});

test("a hold goes on while its node is away", () => {
  const hold = kv(keys.ask("hold", "a"), { why: "disk swap" });
  const here = status(kv(keys.node("a"), "ready"), hold);
  const away = status(hold);
  expect(texts(here, away)).toEqual(["a: ready → gone"]);
  expect(texts(away, here)).toEqual(["a: not there → ready"]);
  expect(texts(away, status())).toEqual(["hold of a is over"]);
});

test("says that a promotion is ordered, accepted and over", () => {
  const b = kv(keys.node("b"), "ready");
  const ordered = (accepted: boolean, revision: number): SeenGroup =>
    status(b, kv(keys.ask("promote", "b"), { token: 7, run: "r", why: "fire", accepted }, "1", revision));
  expect(texts(status(b), ordered(false, 8))).toEqual(["promotion of b asked for: fire"]);
  expect(texts(ordered(false, 8), ordered(true, 9))).toEqual(["promotion of b accepted"]);
  expect(texts(ordered(true, 9), status(b))).toEqual(["promotion of b is over"]);
});
