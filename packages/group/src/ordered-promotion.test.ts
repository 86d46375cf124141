import type { KeyValue } from "@msdha/etcd-client";
import { expect, test } from "vitest";
import { applyBatch } from "./apply-batch.ts";
import { writeAsk } from "./ask.ts";
import { findOrder } from "./ordered-promotion.ts";
import { writeTerm } from "./term.ts";
import { createGroupView, type GroupView } from "./view.ts";

const { keys } = createGroupView("db");
const term = { node: "a", run: "ra", beganAt: 1, takenAfter: "wait" } as const;

function kv(key: string, value: string, createRevision = 5): KeyValue {
  return { key, value, lease: "7", createRevision, modRevision: 50 };
}

function viewOf(...kvs: readonly KeyValue[]): GroupView {
  return applyBatch(createGroupView("db"), { type: "snapshot", revision: 60, kvs });
}

const order = kv(keys.ask("promote", "b"), writeAsk({ by: "eve", why: "", at: 1, run: "rb", token: 12 }));
const history = [9, 12].map((token) => kv(keys.term(token), writeTerm({ ...term, token })));
const b = { name: "b", run: "rb" };

test("is in force for the run that it names, when the last master has left its lock", () => {
  expect(findOrder(viewOf(order, ...history), b)).toMatchObject({ kind: "promote", by: "eve", revision: 50 });
  const waiting = kv(keys.lock, JSON.stringify({ node: "c", takenAfter: "wait" }), 40);
  expect(findOrder(viewOf(order, ...history, waiting), b)).toBeDefined();
});

test.each([
  ["another run of the node", viewOf(order, ...history), { name: "b", run: "later" }],
  ["another node", viewOf(order, ...history), { name: "c", run: "rb" }],
  ["a group whose last master still has its lock", viewOf(order, ...history, kv(keys.lock, "{}", 12)), b],
  [
    "a group that has had another master since",
    viewOf(order, ...history, kv(keys.term(15), writeTerm({ ...term, token: 15 }))),
    b,
  ],
  ["a group without a history", viewOf(order), b],
  ["a request that does not say for which run", viewOf(kv(order.key, '{"token":12}'), ...history), b],
  ["a request that does not say for which master", viewOf(kv(order.key, '{"run":"rb"}'), ...history), b],
])("is not in force for %s", (_, view, run) => {
  expect(findOrder(view, run)).toBeUndefined();
});

test("is for the first master, where there has been none", () => {
  const first = kv(order.key, writeAsk({ by: "eve", why: "", at: 1, run: "rb", token: 0 }));
  expect(findOrder(viewOf(first), b)).toBeDefined();
});
