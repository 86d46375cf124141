import type { KeyValue } from "@msdha/etcd-client";
import { applyBatch, createGroupView, groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { judgeAsks } from "./judge-asks.ts";

const keys = groupKeys("db");
const own = { name: "a", run: "run-a", token: 7, isMaster: true };
const slave = { ...own, token: undefined, isMaster: false };

function kv(key: string, value: unknown): KeyValue {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { key, value: text, lease: "1", createRevision: 9, modRevision: 9 };
}

const ready = kv(keys.node("b"), "ready");
const pause = kv(keys.ask("pause"), {});

function judge(of: typeof own | typeof slave, ...kvs: readonly KeyValue[]) {
  return judgeAsks(applyBatch(createGroupView("db"), { type: "snapshot", revision: 9, kvs }), of);
}

test("a switchover for its token ends the master, and says to whom and why", () => {
  const asked = kv(keys.ask("switchover"), { token: 7, to: "b", why: "kernel update" });
  expect(judge(own, ready, asked)).toMatchObject({ kind: "end", why: "switchover to b: kernel update" });
});

test.each([
  ["another token", own, kv(keys.ask("switchover"), { token: 6 })],
  ["a node that is no master", { ...own, isMaster: false }, kv(keys.ask("switchover"), { token: 7 })],
  ["another run", slave, kv(keys.ask("restart", "a"), { run: "run-z" })],
  ["another node", slave, kv(keys.ask("restart", "b"), { run: "run-a" })],
  ["another run's data", slave, kv(keys.ask("reinit", "a"), { run: "run-z" })],
  ["no run", slave, kv(keys.ask("restart", "a"), "yes")],
])("a request for %s does nothing", (_what, of, asked) => {
  expect(judge(of, ready, asked)).toBeUndefined();
});

test.each([
  [
    "a switchover to a node that is not ready",
    own,
    [kv(keys.ask("switchover"), { token: 7, to: "c" }), ready],
  ],
  [
    "a switchover to a key that no node wrote",
    own,
    [kv(keys.ask("switchover"), { token: 7, to: "b" }), { ...ready, lease: "0" }],
  ],
  ["a switchover to itself", own, [kv(keys.ask("switchover"), { token: 7, to: "a" }), ready]],
  [
    "a switchover to a node on hold",
    own,
    [kv(keys.ask("switchover"), { token: 7, to: "b" }), ready, kv(keys.ask("hold", "b"), {})],
  ],
  ["a switchover with nobody to take over", own, [kv(keys.ask("switchover"), { token: 7 })]],
  ["a switchover under a pause", own, [kv(keys.ask("switchover"), { token: 7, to: "b" }), ready, pause]],
  ["a restart of the only node that could serve", own, [kv(keys.ask("restart", "a"), { run: "run-a" })]],
  [
    "a restart of the lock's holder under a pause",
    own,
    [kv(keys.ask("restart", "a"), { run: "run-a" }), ready, pause],
  ],
  ["new data for the lock's holder", own, [kv(keys.ask("reinit", "a"), { run: "run-a" }), ready]],
])("%s is refused", (_what, of, kvs) => {
  expect(judge(of, ...kvs)?.kind).toBe("refuse");
});

test("what was accepted is carried out, whatever has changed since", () => {
  const asked = kv(keys.ask("switchover"), { token: 7, to: "b", accepted: true });
  expect(judge(own, pause, asked)?.kind).toBe("end");
});

test("a restart of a slave ends it, also under a pause", () => {
  expect(judge(slave, kv(keys.ask("restart", "a"), { run: "run-a" }), pause)?.kind).toBe("end");
});
