import type { KeyValue, WatchEvent } from "@msdha/etcd-client";
import { expect, test } from "vitest";
import { applyBatch } from "./apply-batch.ts";
import { nodeChanges } from "./node-change.ts";
import { createGroupView, type GroupView, mastership } from "./view.ts";

const details = JSON.stringify({ runId: "r", address: "10.0.0.1", ttlSeconds: 3 });

function kv(key: string, value: string, lease = "7", revision = 5): KeyValue {
  return { key: `/msdha/db/${key}`, value, lease, createRevision: revision, modRevision: revision };
}

function put(key: string, value: string, lease?: string, revision?: number): WatchEvent {
  return { type: "PUT", kv: kv(key, value, lease, revision) };
}

function after(view: GroupView, ...events: readonly WatchEvent[]): GroupView {
  return applyBatch(view, {
    type: "changes",
    revision: view.revision + 1,
    events,
    resumed: false,
    resync: false,
    restored: false,
  });
}

const lock = JSON.stringify({ node: "a", takenAfter: "wait" });
const empty = createGroupView("db");

test("the master is whom the lock names, if its node key on the same lease says so", () => {
  const view = after(empty, put("a", "master"), put("_node/a", details), put("_lock", lock));
  expect(mastership(view)).toEqual({ kind: "master", name: "a", address: "10.0.0.1", token: 5 });
});

test.each([
  ["without a lock", [put("a", "master")]],
  ["whose lock names somebody else", [put("b", "master"), put("a", "ready"), put("_lock", lock)]],
  ["whose node key is on another lease", [put("a", "master", "8"), put("_lock", lock)]],
  ["that still waits", [put("a", "ready"), put("_lock", lock)]],
  ["whose lock says nothing that a node writes", [put("a", "master"), put("_lock", "a")]],
])("nobody is master %s", (_what, events) => {
  expect(mastership(after(empty, ...events)).kind).toBe("none");
});

test("a lock whose holder has no node key means that it is stopping", () => {
  const view = after(empty, put("a", "master"), put("_lock", lock));
  const stopping = after(view, { type: "DELETE", kv: kv("a", "") });
  expect(mastership(stopping)).toEqual({ kind: "stopping", token: 5 });
});

test("an address that is no host name or IP address is not believed", () => {
  const evil = JSON.stringify({ runId: "r", address: "10.0.0.1; shutdown\n", ttlSeconds: 3 });
  const view = after(empty, put("a", "master"), put("_node/a", evil), put("_lock", lock));
  expect(mastership(view)).toMatchObject({ address: "a" });
});

test.each([
  ["by the publication of a master", [put("_ttl", "1"), put("a", "master")], {}, 1],
  ["by whatever else writes it", [put("_ttl", "1"), put("a", "ready")], {}, 5],
  ["by one who had published before", [put("_ttl", "1"), put("a", "master", "7", 4)], {}, 5],
  ["when it is deleted", [{ type: "DELETE", kv: kv("_ttl", "") } as const], {}, 5],
  ["by an etcd that was restored", [put("_ttl", "1"), put("a", "master")], { restored: true }, 5],
])("the longest TTL that was seen is lowered or kept %s", (_what, events, how, seconds) => {
  const before = after(empty, put("_ttl", "5"));
  const batch = { type: "changes", revision: 9, resumed: false, resync: false, restored: false } as const;
  expect(applyBatch(before, { ...batch, ...how, events }).ttl.seconds).toBe(seconds);
});

test("frontends say which stopping master they have left, and anything else in their place is none", () => {
  const view = after(
    empty,
    put("_frontend/f", JSON.stringify({ host: "h", left: 7 })),
    put("_frontend/g", "{"),
    put("_frontend/h", JSON.stringify({ host: "h", left: "7" })),
    put("_frontend/i/j", JSON.stringify({ host: "h", left: 7 })),
  );
  expect([...view.frontends]).toEqual([["f", { host: "h", left: 7 }]]);
  const gone = after(view, { type: "DELETE", kv: kv("_frontend/f", "") } as const);
  expect(gone.frontends.size).toBe(0);
});

test("a view is never changed by the batches after it", () => {
  const view = after(empty, put("a", "ready"));
  after(view, put("a", "master"), put("b", "ready"));
  expect([...view.nodes.keys()]).toEqual(["a"]);
  expect(view.nodes.get("a")?.state).toBe("ready");
});

test("the changes of nodes are told in order, and nothing else is", () => {
  const { keys } = empty;
  const events = [put("a", "ready"), put("_lock", lock), { type: "DELETE", kv: kv("a", "") } as const];
  const batch = {
    type: "changes",
    revision: 9,
    events,
    resumed: false,
    resync: false,
    restored: false,
  } as const;
  expect(nodeChanges(keys, batch)).toEqual([
    { action: "PUT", node: "a", state: "ready" },
    { action: "DELETE", node: "a", state: "" },
  ]);
  expect(nodeChanges(keys, { type: "snapshot", revision: 9, kvs: [kv("b", "evil\u001b[2J")] })).toEqual([
    { action: "init", node: "b", state: "invalid" },
  ]);
});
