import type { EtcdApi, KeyRange } from "@msdha/etcd-client";
import { createGroupView, type GroupView, type Lead, type Term } from "@msdha/group";
import { describe, expect, test } from "vitest";
import type { Node } from "./node.ts";
import { askForSuccessor, findSuccessor, yieldTo } from "./overtaken.ts";
import { leaving, type Role } from "./role.ts";
import { OvertakenError, type Successor } from "./succession.ts";

const KEYS = createGroupView("db").keys;

const LOCK = { token: 34 } as Lead;
const MASTER: Role = { kind: "master", lead: LOCK, trafficSince: undefined, term: {} as Term };

function checkSuccessor(node: Node, seenView: GroupView): void {
  const successor = findSuccessor(node, seenView);
  if (successor) yieldTo(node, successor);
}

/** A master with token 34 on lease 7, unless `more` says otherwise. */
function holder(more: object = {}) {
  const seen: string[] = [];
  const node = {
    role: MASTER,
    lease: { id: "7", ttlMs: 3_000 },
    membership: { modRevision: 36 },
    follower: { view: createGroupView("db") },
    log: { debug() {} },
    succession: {
      begin: (successor: Successor) =>
        seen.push(
          `${successor.published ? "published" : "locked"}: ${new OvertakenError(successor).message}`,
        ),
    },
    end: { because: ({ kind }: { kind: string }) => seen.push(kind) },
    ...more,
  } as unknown as Node;
  return { node, seen };
}

function view({ token = 40, lease = "8", state = "ready", revision = 50 } = {}): GroupView {
  return {
    ...createGroupView("db"),
    revision,
    nodes: new Map([["b", { state, lease, modRevision: 41 }]]),
    lock: { token, lease, node: "b", takenAfter: "wait" },
  };
}

describe("in a view of the watch", () => {
  test("a node that holds our lock's place is a successor, whether published or not", () => {
    const { node, seen } = holder();
    checkSuccessor(node, view());
    checkSuccessor(node, view({ state: "master" }));
    expect(seen).toEqual([
      "lost",
      'locked: node "b" holds the lock (token 40)',
      "lost",
      'published: node "b" is the master (token 40)',
    ]);
  });

  test("a lock of our token on another lease is another's: etcd was restored", () => {
    const { node, seen } = holder();
    checkSuccessor(node, view({ token: 34 }));
    expect(seen).toHaveLength(2);
  });

  test("a record of the TTL that we have not written is left of a successor that lost the lock again", () => {
    const { node, seen } = holder();
    checkSuccessor(node, { ...view(), lock: undefined, ttl: { seconds: 3, modRevision: 40 } });
    expect(seen).toEqual(["lost", "locked: another node has had the lock meanwhile (revision 40)"]);
  });

  test.each([
    ["a record of our own take", 34],
    ["a record of our own publication", 36],
    ["no record", 0],
  ])("%s is no successor's", (_, modRevision) => {
    const { node, seen } = holder();
    checkSuccessor(node, { ...view(), lock: undefined, ttl: { seconds: 3, modRevision } });
    expect(seen).toEqual([]);
  });

  test.each([
    ["our own lock", {}, view({ token: 34, lease: "7" })],
    ["a lock of before ours", {}, view({ token: 20, revision: 30 })],
    ["no lock", {}, { ...view(), lock: undefined }],
    ["a lock that we gave up", { role: leaving(MASTER, "lock") }, view()],
    ["a lock that we never had our turn with", { role: { kind: "waiting", lead: LOCK } }, view()],
  ])("%s is no successor's", (_, more, seenView) => {
    const { node, seen } = holder(more);
    checkSuccessor(node, seenView);
    expect(seen).toEqual([]);
  });
});

function etcdWith(
  values: Readonly<
    Record<string, { value: string; lease: string; createRevision: number; modRevision?: number }>
  >,
) {
  return {
    range: async ({ key }: KeyRange) => ({
      revision: 50,
      kvs: values[key] ? [{ key, modRevision: 41, ...values[key] }] : [],
    }),
  } as unknown as EtcdApi;
}

const othersLock = { value: '{"node":"b","takenAfter":"wait"}', lease: "8", createRevision: 40 };

const record = { value: "3", lease: "0", createRevision: 5 };

describe("asked of etcd itself", () => {
  test.each([
    ["our own lock", { [KEYS.lock]: { ...othersLock, lease: "7", createRevision: 34 } }, []],
    ["no lock", {}, ["lost"]],
    ["no lock, and our own record", { [KEYS.ttl]: { ...record, modRevision: 36 } }, ["lost"]],
    [
      "no lock, and another's record",
      { [KEYS.ttl]: record },
      ["lost", "locked: another node has had the lock meanwhile (revision 41)"],
    ],
    ["another's lock", { [KEYS.lock]: othersLock }, ["lost", 'locked: node "b" holds the lock (token 40)']],
    [
      "another master",
      {
        [KEYS.lock]: othersLock,
        [KEYS.node("b")]: { value: "master", lease: "8", createRevision: 41 },
      },
      ["lost", 'published: node "b" is the master (token 40)'],
    ],
  ])("%s means what it says", async (_, values, expected) => {
    const { node, seen } = holder({ etcd: etcdWith(values) });
    await askForSuccessor(node);
    expect(seen).toEqual(expected);
  });

  test("no answer means nothing", async () => {
    const range = async (): Promise<never> => {
      throw new Error("no answer");
    };
    const { node, seen } = holder({ etcd: { range } });
    await askForSuccessor(node);
    expect(seen).toEqual([]);
  });
});
