import { applyBatch, createGroupView, groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { describeView } from "./describe-view.ts";

const keys = groupKeys("db");

test("shows the holds of nodes that are not there", () => {
  const kvs = [
    { key: keys.node("a"), value: "ready" },
    { key: keys.ask("hold", "a"), value: '{"by":"eve","why":"","at":1}' },
    { key: keys.ask("hold", "b"), value: '{"by":"eve","why":"disk","at":1}' },
  ].map((kv) => ({ ...kv, createRevision: 2, modRevision: 2, version: 1, lease: "1" }));
  const seen = describeView(applyBatch(createGroupView("db"), { type: "snapshot", revision: 9, kvs }));
  expect(seen.nodes[0]?.hold).toMatchObject({ node: "a" });
  expect(seen.absentHolds).toMatchObject([{ node: "b", why: "disk" }]);
});
