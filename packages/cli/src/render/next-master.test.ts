import type { NodeStatus } from "@msdha/group";
import { expect, test } from "vitest";
import { findNext } from "./next-master.ts";

const master = { kind: "master", name: "m", address: "m", token: 1 } as const;

function node(name: string, behind?: number, more: Partial<NodeStatus> = {}): NodeStatus {
  return {
    name,
    state: "ready",
    isMaster: false,
    since: undefined,
    address: name,
    ttlSeconds: 3,
    asks: 2,
    run: "r",
    hold: undefined,
    promotion: undefined,
    report: behind === undefined ? undefined : { behind, note: "" },
    ...more,
  };
}

const m = node("m", 0, { state: "master", isMaster: true });
const held = { hold: { kind: "hold" } } as unknown as Partial<NodeStatus>;

test.each([
  [
    "the only one that is ready",
    [m, node("a", 900), node("b", 0, { state: "start" })],
    { node: "a", by: "only" },
  ],
  ["not one that is held back", [m, node("a", 0, held), node("b", 7)], { node: "b", by: "only" }],
  ["the least behind", [m, node("a", 900), node("b", 7), node("c", 8)], { node: "b", by: "rank" }],
  ["one that says how far it is", [m, node("a"), node("b", 7)], { node: "b", by: "rank" }],
  ["nobody where two are as far", [m, node("a", 7), node("b", 7)], undefined],
  ["nobody where no node says how far it is", [m, node("a"), node("b")], undefined],
  ["nobody where nobody is ready", [m, node("a", 0, { state: "start" })], undefined],
])("is %s", (_what, nodes, expected) => {
  expect(findNext({ master, nodes })).toEqual(expected);
});

test("is nobody under a pause, which keeps every node from the lock", () => {
  const pause = { kind: "pause", node: undefined, revision: 1, lease: "0", by: "", why: "", at: 0 } as const;
  const more = { until: undefined, token: undefined, to: undefined, run: undefined, accepted: false };
  expect(findNext({ master, nodes: [node("a", 0)], pause: { ...pause, ...more } })).toBeUndefined();
});

test("is nobody where there is no master", () => {
  expect(findNext({ master: { kind: "none" }, nodes: [node("a", 0)] })).toBeUndefined();
});
