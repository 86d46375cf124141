import { expect, test } from "vitest";
import type { Node } from "./node.ts";
import { type LeavingStep, leaving } from "./role.ts";
import { ownKeys } from "./watch-own-keys.ts";

const master = {
  membership: { name: "a", modRevision: 40 },
  role: { kind: "master", lead: { token: 34 }, trafficSince: 42 },
  lease: { id: "7" },
} as unknown as Node;

test("a master has its lock, its node key and its open traffic", () => {
  expect(ownKeys(master)).toEqual({ name: "a", lease: "7", lock: 34, nodeKey: 40, openTraffic: 42 });
});

test.each<[LeavingStep, number | undefined]>([
  ["key", 34],
  ["programs", 34],
  ["lock", undefined],
])("a node that leaves and gives up its %s has no node key any more, and the lock %s", (step, lock) => {
  const { role } = master;
  expect(ownKeys({ ...master, role: leaving(role, step) })).toMatchObject({ lock, nodeKey: undefined });
});
