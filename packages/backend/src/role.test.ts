import type { Lease } from "@msdha/etcd-lease";
import { groupKeys, type Lead, type Term } from "@msdha/group";
import { expect, test } from "vitest";
import { heldLock, keepRole, leaving, openTrafficSince, type Role, settledLock } from "./role.ts";

const lock = { token: 34 } as Lead;
const candidate: Role = { kind: "candidate" };
const waiting: Role = { kind: "waiting", lead: lock };
const settled: Role = { kind: "settled", lead: lock };
const master: Role = { kind: "master", lead: lock, trafficSince: 40, term: {} as Term };

function keep() {
  const proved: unknown[] = [];
  const lease = { id: "7", prove: (proof: unknown) => void proved.push(proof) } as unknown as Lease;
  const keeper = keepRole(lease, { keys: groupKeys("db"), name: "a" });
  return { keeper, proved };
}

const NODE_KEY = { key: "/msdha/db/a" };
const LOCK = { key: "/msdha/db/_lock", createRevision: 34, written: "/msdha/db/_proof/7" };

test("the lease proves the node key, and the lock from when it is taken until the end", () => {
  const { keeper, proved } = keep();
  for (const role of [waiting, settled, master]) keeper.become(role);
  for (const step of ["key", "programs", "lock"] as const) keeper.become(leaving(keeper.role, step));
  expect(proved).toEqual([NODE_KEY, LOCK]);
});

test("the lease proves the node key again when the lock was left to another, and nothing once that is deleted", () => {
  const { keeper, proved } = keep();
  for (const role of [waiting, settled, candidate]) keeper.become(role);
  keeper.become(leaving(keeper.role, "key"));
  expect(proved).toEqual([NODE_KEY, LOCK, NODE_KEY, undefined]);
});

test.each([
  ["publish before it has settled", [waiting], master],
  ["hand over before it has settled", [waiting], candidate],
  ["settle without a lock", [], settled],
  ["be demoted", [waiting, settled, master], candidate],
  ["come back from a stop", [leaving(candidate, "key")], waiting],
])("a node can't %s", (_, roles, next) => {
  const { keeper } = keep();
  for (const role of roles) keeper.become(role);
  expect(() => keeper.become(next)).toThrow(/can't become/);
});

test.each<[string, Role, number | undefined, number | undefined, number | undefined]>([
  ["candidate", candidate, undefined, undefined, undefined],
  ["waiting", waiting, 34, undefined, undefined],
  ["settled", settled, 34, 34, undefined],
  ["master", master, 34, 34, 40],
  ["leaving master", leaving(leaving(master, "key"), "programs"), 34, 34, 40],
  ["leaving while waiting", leaving(waiting, "key"), 34, undefined, undefined],
  ["giving the lock back", leaving(master, "lock"), undefined, undefined, 40],
])("a node that is %s says what it still has", (_, role, held, mine, traffic) => {
  expect(heldLock(role)?.token).toBe(held);
  expect(settledLock(role)?.token).toBe(mine);
  expect(openTrafficSince(role)).toBe(traffic);
});
