import { expect, it } from "vitest";
import type { Node } from "./node.ts";
import { judgePrimary, judgeReady, judgeReplica } from "./standing.ts";

const lock = { token: 7 };
const master = { kind: "master", lead: lock, trafficSince: undefined };

/** A master that takes traffic, proven half a TTL ago. */
function node(change: object = {}): Node {
  return {
    clock: { now: () => 10_500 },
    config: { traffic: "at_once" },
    end: { begun: new AbortController().signal },
    lease: { seen: 10_000, ttlMs: 1_000, lost: new AbortController().signal },
    membership: { state: "master" },
    role: master,
    succession: { overtaken: new AbortController().signal },
    ...change,
  } as unknown as Node;
}

const ready = { role: { kind: "candidate" }, membership: { state: "ready" } };
const lease = node().lease;

it("takes a published, proven master for the primary", () => {
  expect(judgePrimary(node())).toEqual({ yes: true });
  expect(judgeReplica(node())).toEqual({ yes: false, why: "it holds the lock" });
});

it.each([
  ["it has not joined its group yet", undefined],
  ["it is about to end", node({ end: { begun: AbortSignal.abort() } })],
  ["another node holds the lock", node({ succession: { overtaken: AbortSignal.abort() } })],
  ["it is not the master", node(ready)],
  ["it is not the master", node({ role: { kind: "waiting", lead: lock } })],
  ["it is not the master", node({ role: { kind: "settled", lead: lock } })],
  ["it is not the master", node({ role: { kind: "leaving", step: "key", former: master } })],
  ["its master hook runs", node({ config: { traffic: "after_hook" } })],
  ["no quorum of etcd has confirmed its lease within the TTL", node({ clock: { now: () => 11_000 } })],
  [
    "no quorum of etcd has confirmed its lease within the TTL",
    node({ lease: { ...lease, lost: AbortSignal.abort() } }),
  ],
])("takes no other for it: %s", (why, judged) => {
  expect(judgePrimary(judged)).toEqual({ yes: false, why });
});

it("takes a master for the primary once its held traffic is open", () => {
  const open = { ...master, trafficSince: 9 };
  expect(judgePrimary(node({ role: open, config: { traffic: "after_hook" } }))).toEqual({ yes: true });
});

it("takes only a ready, proven node for a replica", () => {
  expect(judgeReplica(node(ready))).toEqual({ yes: true });
  const early = node({ ...ready, membership: { state: "running_not_ready" } });
  expect(judgeReplica(early)).toEqual({ yes: false, why: "it is running_not_ready" });
  expect(judgeReplica(node({ ...ready, clock: { now: () => 12_000 } })).yes).toBe(false);
  expect(judgeReplica(node({ ...ready, end: { begun: AbortSignal.abort() } })).yes).toBe(false);
});

it("takes the primary and every replica for ready, and nothing else", () => {
  expect(judgeReady(node())).toEqual({ yes: true });
  expect(judgeReady(node(ready))).toEqual({ yes: true });
  expect(judgeReady(undefined).yes).toBe(false);
  const early = node({ ...ready, membership: { state: "running_not_ready" } });
  expect(judgeReady(early)).toEqual({ yes: false, why: "it is running_not_ready" });
  const promoted = node({ config: { traffic: "after_hook" } });
  expect(judgeReady(promoted)).toEqual({ yes: false, why: "its master hook runs" });
});
