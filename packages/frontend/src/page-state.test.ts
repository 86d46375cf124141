import {
  type Ask,
  applyBatch,
  createGroupView,
  describeGroup,
  findAbsentHolds,
  groupKeys,
} from "@msdha/group";
import { expect, test } from "vitest";
import { pageState } from "./page-state.ts";

const keys = groupKeys("db");
const NOW = 1_000_000;

test("shows the holds of nodes that are not there, but those that are over", () => {
  const ask = (more: Partial<Ask>): string => JSON.stringify({ by: "eve", why: "disk", at: 1, ...more });
  const kvs = [
    { key: keys.node("a"), value: "ready" },
    { key: keys.ask("hold", "a"), value: ask({}) },
    { key: keys.ask("hold", "b"), value: ask({}) },
    { key: keys.ask("hold", "c"), value: ask({ until: NOW - 1 }) },
  ].map((kv) => ({ ...kv, createRevision: 2, modRevision: 2, version: 1, lease: "1" }));
  const view = applyBatch(createGroupView("db"), { type: "snapshot", revision: 9, kvs });
  const state = pageState({
    group: "db",
    now: NOW,
    route: { kind: "none" },
    following: true,
    proven: true,
    status: describeGroup(view),
    absentHolds: findAbsentHolds(view),
  });
  expect(state.absentHolds).toEqual([{ node: "b", by: "eve", why: "disk", until: null }]);
  expect(state.nodes[0]?.hold).toMatchObject({ by: "eve" });
});
