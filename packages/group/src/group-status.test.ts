import type { KeyValue } from "@msdha/etcd-client";
import { expect, test } from "vitest";
import { applyBatch } from "./apply-batch.ts";
import { describeGroup } from "./group-status.ts";
import { writeReport } from "./report.ts";
import { writeTerm } from "./term.ts";
import { createGroupView } from "./view.ts";

const keys = createGroupView("db").keys;

function kv(key: string, value: string, revision = 5, lease = "7"): KeyValue {
  return { key, value, lease, createRevision: revision, modRevision: revision };
}

function describe(...kvs: readonly KeyValue[]): ReturnType<typeof describeGroup> {
  return describeGroup(applyBatch(createGroupView("db"), { type: "snapshot", revision: 9, kvs }));
}

const details = JSON.stringify({ runId: "r", address: "10.0.0.1", ttlSeconds: 3, asks: 1 });
const lock = kv(keys.lock, JSON.stringify({ node: "a", takenAfter: "wait" }));

test("says of each node what it is, since when, and where", () => {
  const status = describe(
    lock,
    kv(keys.node("b"), "ready", 6, "8"),
    kv(keys.node("a"), "master"),
    kv(keys.details("a"), details),
    kv(keys.since("a"), "1790000000000"),
    kv(keys.report("b"), writeReport({ behind: 1_024, note: "catches up" })),
    kv(keys.ask("hold", "b"), JSON.stringify({ by: "eve", why: "disk swap", at: 1, until: 2 })),
    kv(keys.ttl, "3"),
  );
  expect(status).toMatchObject({ master: { kind: "master", name: "a", token: 5 }, holder: undefined });
  expect(status.nodes).toEqual([
    {
      name: "a",
      state: "master",
      isMaster: true,
      since: 1_790_000_000_000,
      address: "10.0.0.1",
      ttlSeconds: 3,
      asks: 1,
      run: "r",
      hold: undefined,
      promotion: undefined,
      report: undefined,
    },
    expect.objectContaining({ name: "b", state: "ready", isMaster: false, since: undefined, asks: 0 }),
  ]);
  expect(status.nodes[1]?.report).toEqual({ behind: 1_024, note: "catches up" });
  expect(status.nodes[1]?.hold).toMatchObject({ revision: 5, why: "disk swap", until: 2 });
});

test("shows a master that stops, though its key is gone", () => {
  const status = describe(lock, kv(keys.node("b"), "ready", 6, "8"));
  expect(status.master).toEqual({ kind: "stopping", token: 5 });
  expect(status.nodes.map(({ name, state }) => `${name} ${state}`)).toEqual(["a stopping", "b ready"]);
});

test("lists terms with the newest first, and leaves out what is none", () => {
  const term = { node: "a", run: "r", beganAt: 1, takenAfter: "wait" } as const;
  const status = describe(
    kv(keys.term(9), writeTerm({ ...term, token: 9 })),
    kv(keys.term(12), writeTerm({ ...term, token: 12 })),
    kv(`${keys.prefix}_history/evil`, writeTerm({ ...term, token: 13 })),
    kv(keys.term(14), "evil"),
  );
  expect(status.terms.map(({ token }) => token)).toEqual([12, 9]);
});

test.each([
  ["that no node writes", kv(keys.since("a"), "yesterday")],
  ["that no calendar has", kv(keys.since("a"), "1e300")],
])("shows no time %s", (_what, since) => {
  expect(describe(kv(keys.node("a"), "ready"), since).nodes[0]?.since).toBeUndefined();
});

test("a pause counts whatever its value is, and what ends a node only with what it needs", () => {
  expect(describe(kv(keys.ask("pause"), "\u001b[2J")).pause).toMatchObject({ revision: 5, why: "" });
  expect(describe(kv(keys.ask("switchover"), "{}")).switchover).toBeUndefined();
  const asked = describe(kv(keys.ask("switchover"), JSON.stringify({ token: 5, to: "b" })));
  expect(asked.switchover).toMatchObject({ token: 5, to: "b" });
});
