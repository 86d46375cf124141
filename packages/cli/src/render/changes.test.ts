import type { KeyValue } from "@msdha/etcd-client";
import { applyBatch, createGroupView, describeGroup, type GroupStatus, groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { listChanges } from "./changes.ts";

const keys = groupKeys("db");

function kv(key: string, value: unknown, lease = "1", revision = 7): KeyValue {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { key, value: text, lease, createRevision: revision, modRevision: revision };
}

function status(...kvs: readonly KeyValue[]): GroupStatus {
  return describeGroup(applyBatch(createGroupView("db"), { type: "snapshot", revision: 9, kvs }));
}

const lock = kv(keys.lock, { node: "a", takenAfter: "wait" });
const term = { node: "a", run: "r", beganAt: 1, takenAfter: "wait", gapMs: 28_400 };
const texts = (before: GroupStatus, after: GroupStatus): readonly string[] =>
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
  const ended = status(kv(keys.term(7), { ...term, end: { why: "asked to stop: SIGTERM", by: "itself" } }));
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
  const asked = (accepted: boolean, revision: number): GroupStatus =>
    status(lock, kv(keys.ask("switchover"), { token: 7, why: "work", accepted }, "1", revision));
  expect(texts(status(lock), asked(false, 8))).toEqual(["switchover asked for: work"]);
  expect(texts(asked(false, 8), asked(true, 9))).toEqual(["switchover accepted"]);
});
