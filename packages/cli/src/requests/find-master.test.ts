import type { KeyValue } from "@msdha/etcd-client";
import { applyBatch, createGroupView, type GroupView, groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { refuseMove } from "./find-master.ts";

const keys = groupKeys("db");
const kv = (key: string, value: string): KeyValue => ({
  ...{ key, value, lease: "1", createRevision: 7, modRevision: 7 },
});

function viewWith(ask: object): GroupView {
  const kvs = [
    kv(keys.lock, JSON.stringify({ node: "a", takenAfter: "wait" })),
    kv(keys.node("a"), "master"),
    kv(keys.node("b"), "ready"),
    kv(keys.ask("switchover"), JSON.stringify(ask)),
  ];
  return applyBatch(createGroupView("db"), { type: "snapshot", revision: 9, kvs });
}

test("a switchover is under way only as long as the master is the one that it is to end", () => {
  const master = { name: "a", token: 7 };
  expect(() => refuseMove(viewWith({ token: 7 }), master, undefined)).toThrow(/a switchover is under way/);
  refuseMove(viewWith({ token: 5 }), master, undefined);
});
