import { createGroupView, type GroupView } from "@msdha/group";
import { expect, test } from "vitest";
import { checkOwnKeys, checkRestoredKeys, checkUndoneKeys, type KeyOwner } from "./own-keys.ts";

/** A master that wrote its node key at revision 40 and let traffic go on at 42. */
function master(): { readonly node: KeyOwner; readonly ended: () => unknown } {
  let ended: unknown;
  const node = {
    membership: { name: "a", modRevision: 40 },
    lock: { token: 34 },
    lease: { id: "7" },
    follower: { view: createGroupView("db") },
    leaving: "nothing",
    trafficOpenSince: 42,
    fence: { close() {} },
    clock: { now: () => 0 },
    end(reason: { readonly error: unknown }) {
      ended ??= reason.error;
    },
  } as unknown as KeyOwner;
  return { node, ended: () => ended };
}

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
  const { node, ended } = master();
  checkOwnKeys(node, view());
  checkOwnKeys(node, view({ revision: 41, held: true }));
  checkOwnKeys(node, view({ revision: 30, modRevision: 20, token: 0 }));
  expect(ended()).toBeUndefined();
});

test.each([
  ["its lock is another's", { token: 35 }, /lock/],
  ["its key is on another lease", { lease: "8" }, /\/msdha\/db\/a/],
  ["its key is older than what it wrote", { modRevision: 39 }, /\/msdha\/db\/a/],
  ["its traffic is held again", { held: true }, /\/msdha\/db\/_node\/a/],
])("a node ends when %s, in any view that should show otherwise", (_, change, why) => {
  const { node, ended } = master();
  checkOwnKeys(node, view(change));
  expect(String(ended())).toMatch(why);
});

test.each([
  ["its key is not the very one", { modRevision: 41 }],
  ["its traffic is held again", { held: true }],
])("after a restore it ends when %s, whatever the revision", (_, change) => {
  const { node, ended } = master();
  checkRestoredKeys(node, view({ revision: 10, ...change }));
  expect(ended()).toBeDefined();
});

test.each([
  ["goes on when etcd was restored to where all that it wrote is", 42, undefined],
  ["ends when that is before its traffic went on", 41, /\/msdha\/db\/_node\/a/],
  ["ends when that is before it wrote its key", 39, /\/msdha\/db\/a/],
  ["ends when that is before it took its lock", 33, /lock/],
])("a node %s", (_, restoredTo, why) => {
  const { node, ended } = master();
  checkUndoneKeys(node, restoredTo);
  if (why) expect(String(ended())).toMatch(why);
  else expect(ended()).toBeUndefined();
});
