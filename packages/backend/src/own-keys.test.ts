import { createGroupView, type GroupView } from "@msdha/group";
import { expect, test } from "vitest";
import { findLoss, findRestoredLoss, findUndoneLoss, type KeyOwner } from "./own-keys.ts";
import { type LeavingStep, leaving } from "./role.ts";

/** A master that wrote its node key at revision 40 and let traffic go on at 42. */
const node = {
  membership: { name: "a", modRevision: 40 },
  role: { kind: "master", lead: { token: 34 }, trafficSince: 42 },
  lease: { id: "7" },
} as unknown as KeyOwner;

function view({ revision = 50, modRevision = 40, lease = "7", token = 34, held = false } = {}): GroupView {
  return {
    ...createGroupView("db"),
    revision,
    nodes: new Map([["a", { state: "master", lease, modRevision }]]),
    details: new Map([["a", { runId: "r", address: "a", ttlSeconds: 3, held }]]),
    lock: { token, lease: "7", node: "a", via: "wait" },
  };
}

test("a node whose keys are as it wrote them goes on", () => {
  expect(findLoss(node, view())).toBeUndefined();
  expect(findLoss(node, view({ revision: 41, held: true }))).toBeUndefined();
  expect(findLoss(node, view({ revision: 30, modRevision: 20, token: 0 }))).toBeUndefined();
});

test.each([
  ["its lock is another's", { token: 35 }, /lock/],
  ["its key is on another lease", { lease: "8" }, /\/msdha\/db\/a/],
  ["its key is older than what it wrote", { modRevision: 39 }, /\/msdha\/db\/a/],
  ["its traffic is held again", { held: true }, /\/msdha\/db\/_node\/a/],
])("a node ends when %s, in any view that should show otherwise", (_, change, why) => {
  expect(String(findLoss(node, view(change)))).toMatch(why);
});

test.each([
  ["its key is not the very one", { modRevision: 41 }],
  ["its traffic is held again", { held: true }],
])("after a restore it ends when %s, whatever the revision", (_, change) => {
  expect(findRestoredLoss(node, view({ revision: 10, ...change }))).toBeDefined();
});

test.each([
  ["goes on when etcd was restored to where all that it wrote is", 42, undefined],
  ["ends when that is before its traffic went on", 41, /\/msdha\/db\/_node\/a/],
  ["ends when that is before it wrote its key", 39, /\/msdha\/db\/a/],
  ["ends when that is before it took its lock", 33, /lock/],
])("a node %s", (_, restoredTo, why) => {
  const loss = findUndoneLoss(node, createGroupView("db").keys, restoredTo);
  if (why) expect(String(loss)).toMatch(why);
  else expect(loss).toBeUndefined();
});

test.each<[string, LeavingStep, object, RegExp | undefined]>([
  ["its own deletion of its node key", "key", { modRevision: 39 }, undefined],
  ["the loss of its lock while it stops", "programs", { token: 35 }, /lock/],
  ["its own giving back of its lock", "lock", { token: 35 }, undefined],
])("a node that leaves and %s", (_, step, change, why) => {
  const loss = findLoss({ ...node, role: leaving(node.role, step) }, view(change));
  if (why) expect(String(loss)).toMatch(why);
  else expect(loss).toBeUndefined();
});
