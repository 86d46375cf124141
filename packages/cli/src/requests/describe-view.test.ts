import { applyBatch, createGroupView, groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { describeView, listAbsent } from "./describe-view.ts";

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

function viewOf(kvs: readonly { readonly key: string; readonly value: string; readonly lease?: string }[]) {
  const whole = kvs.map((kv) => ({ createRevision: 2, modRevision: 2, version: 1, lease: "1", ...kv }));
  return applyBatch(createGroupView("db"), { type: "snapshot", revision: 9, kvs: whole });
}

const reinit = { value: '{"by":"eve","why":"disk","at":1,"run":"r"}', lease: "0" };

test("shows who asked for new data of which nodes, whether they are there or not", () => {
  const seen = describeView(
    viewOf([
      { key: keys.node("a"), value: "ready" },
      { key: keys.ask("reinit", "a"), ...reinit },
      { key: keys.ask("reinit", "b"), ...reinit },
    ]),
  );
  expect(seen.reinits).toMatchObject([
    { node: "a", by: "eve" },
    { node: "b", by: "eve" },
  ]);
});

test("takes no key without a lease for a node", () => {
  const seen = describeView(
    viewOf([
      { key: keys.node("a"), value: "ready" },
      { key: keys.node("hand"), value: "ready", lease: "0" },
    ]),
  );
  expect(seen.nodes.map(({ name }) => name)).toEqual(["a"]);
  expect(seen.strays).toEqual([{ name: "hand", state: "ready", key: "/msdha/db/hand" }]);
});

test("lists the nodes that a group remembers and that are not there", () => {
  const view = viewOf([
    { key: keys.node("a"), value: "ready" },
    { key: keys.ask("hold", "a"), value: "{}" },
    { key: keys.ask("hold", "c"), value: "{}" },
    { key: keys.ask("reinit", "c"), ...reinit },
    { key: keys.lastMaster, value: '{"node":"b"}' },
  ]);
  expect(listAbsent(view)).toEqual(["b", "c"]);
});
