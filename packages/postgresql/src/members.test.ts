import { createManualClock } from "@msdha/clock";
import { expect, test } from "vitest";
import type { HookContext } from "./context.ts";
import { createMembers } from "./members.ts";

/** A group of the nodes `a` and `b`, and how often it was asked for. */
function setUp() {
  const clock = createManualClock();
  const world = { names: ["a", "b"], asked: 0, answers: true };
  const nodeChanges = { count: 2 };
  const store = {
    async nodes() {
      world.asked += 1;
      if (!world.answers) throw new Error("no answer");
      return world.names.map((name) => ({ name, state: "ready", address: name }));
    },
  };
  const context = { clock, member: "m", nodeChanges, store } as unknown as HookContext;
  const members = createMembers();
  const areAll = (...standbys: readonly string[]): boolean => members.areAll(context, standbys);
  return { areAll, clock, nodeChanges, world, among: () => members.among(context, ["a", "b"]) };
}

test("asks for the nodes once a minute while none of them changes", async () => {
  const { clock, world, among } = setUp();
  for (let second = 0; second < 60; second += 1) {
    expect(await among()).toEqual(["a", "b"]);
    await clock.advance(1_000);
  }
  expect(world.asked).toBe(1);
  await clock.advance(1_000);
  await among();
  expect(world.asked).toBe(2);
});

test("counts a node no more, within two seconds, when it was told that one has changed", async () => {
  const { clock, nodeChanges, world, among } = setUp();
  await among();
  world.names = ["a"];
  nodeChanges.count += 1;
  world.answers = false;
  await clock.advance(1_001);
  expect(await among()).toEqual(["a", "b"]);
  world.answers = true;
  await clock.advance(1_001);
  expect(await among()).toEqual(["a"]);
});

test("asks every five seconds where nobody tells of changes", async () => {
  const { clock, nodeChanges, world, among } = setUp();
  nodeChanges.count = 0;
  await among();
  world.names = ["a"];
  await clock.advance(5_001);
  expect(await among()).toEqual(["a"]);
});

test("says whether every other node is among the standbys; after a change it says no until it has asked again", async () => {
  const { among, areAll, nodeChanges, world } = setUp();
  expect(areAll()).toBe(false);
  world.names = ["a", "b", "m"];
  await among();
  expect([areAll("a", "b", "other"), areAll("b")]).toEqual([true, false]);
  nodeChanges.count += 1;
  expect(areAll("a", "b")).toBe(false);
});
