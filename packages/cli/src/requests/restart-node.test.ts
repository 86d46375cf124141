import type { KeyValue } from "@msdha/etcd-client";
import { applyBatch, createGroupView, type GroupView, groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { describeUnready, type Stage, stageOf } from "./restart-node.ts";

const keys = groupKeys("db");

function kv(key: string, value: unknown): KeyValue {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { key, value: text, lease: "1", createRevision: 7, modRevision: 7 };
}

function view(state: string | undefined, runId: string, ask?: object): GroupView {
  const kvs = [
    ...(state === undefined ? [] : [kv(keys.node("a"), state)]),
    kv(keys.details("a"), { runId, address: "a", ttlSeconds: 3 }),
    ...(ask ? [kv(keys.ask("restart", "a"), { run: "one", ...ask })] : []),
  ];
  return applyBatch(createGroupView("db"), { type: "snapshot", revision: 9, kvs });
}

test.each<[string, Stage, GroupView, Stage]>([
  ["waits for the node", "asked", view("ready", "one", {}), "asked"],
  ["sees that it accepts", "asked", view("ready", "one", { accepted: true }), "accepted"],
  ["sees that it refused", "asked", view("ready", "one"), "refused"],
  ["goes on when the request is gone after it was accepted", "accepted", view("ready", "one"), "accepted"],
  ["sees it go", "accepted", view(undefined, "one"), "gone"],
  ["sees it come back", "gone", view("start", "two"), "back"],
  ["is done when the next run is ready", "back", view("ready", "two"), "ready"],
])("a restart %s", (_what, before, of, after) => {
  expect(stageOf(of, { name: "a", run: "one", kind: "restart" }, before)).toBe(after);
});

test("says that a node comes back and leaves again and again", () => {
  expect(describeUnready("a", 1)).toBe("and is not ready in time");
  expect(describeUnready("a", 9)).toMatch(/it came back 9 times, and the log of a says why it left/);
});
