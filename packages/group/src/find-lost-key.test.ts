import { expect, test } from "vitest";
import { findLostKey, type OwnKeys } from "./find-lost-key.ts";
import { createGroupView, type GroupView } from "./view.ts";

const { keys } = createGroupView("db");

/** A master that wrote its node key at revision 40 and let traffic go on at 42. */
const own: OwnKeys = { name: "a", lease: "7", lock: 34, nodeKey: 40, openTraffic: 42 };

function view({ revision = 50, modRevision = 40, lease = "7", token = 34, held = false } = {}): GroupView {
  return {
    ...createGroupView("db"),
    revision,
    nodes: new Map([["a", { state: "master", lease, modRevision }]]),
    details: new Map([["a", { runId: "r", address: "a", ttlSeconds: 3, held }]]),
    lock: { token, lease: "7", node: "a", takenAfter: "wait" },
  };
}

const seen = (change: Parameters<typeof view>[0], of: OwnKeys = own): Error | undefined =>
  findLostKey(of, keys, { view: view(change), restored: false });

test("a node whose keys are as it wrote them goes on", () => {
  expect(seen({})).toBeUndefined();
  expect(seen({ revision: 41, held: true })).toBeUndefined();
  expect(seen({ revision: 30, modRevision: 20, token: 0 })).toBeUndefined();
});

test.each([
  ["its lock is another's", { token: 35 }, /lock/],
  ["its key is on another lease", { lease: "8" }, /\/msdha\/db\/a/],
  ["its key is older than what it wrote", { modRevision: 39 }, /\/msdha\/db\/a/],
  ["its traffic is held again", { held: true }, /\/msdha\/db\/_node\/a/],
])("a node ends when %s, in any view that should show otherwise", (_, change, why) => {
  expect(String(seen(change))).toMatch(why);
});

test.each([
  ["its key is not the very one", { modRevision: 41 }],
  ["its traffic is held again", { held: true }],
])("after a restore it ends when %s, whatever the revision", (_, change) => {
  const restored = view({ revision: 10, ...change });
  expect(findLostKey(own, keys, { view: restored, restored: true })).toBeDefined();
});

test.each([
  ["goes on when etcd was restored to where all that it wrote is", 42, undefined],
  ["ends when that is before its traffic went on", 41, /\/msdha\/db\/_node\/a/],
  ["ends when that is before it wrote its key", 39, /\/msdha\/db\/a/],
  ["ends when that is before it took its lock", 33, /lock/],
])("a node %s", (_, restoredTo, why) => {
  const loss = findLostKey(own, keys, { restoredTo });
  if (why) expect(String(loss)).toMatch(why);
  else expect(loss).toBeUndefined();
});

test("what a node gives up by itself is no loss", () => {
  const change = { modRevision: 39, token: 35 };
  expect(seen(change, { ...own, nodeKey: undefined, lock: undefined })).toBeUndefined();
  expect(String(seen(change, { ...own, nodeKey: undefined }))).toMatch(/lock/);
});
