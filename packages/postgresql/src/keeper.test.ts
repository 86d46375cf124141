import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createManualClock } from "@msdha/clock";
import { expect, test } from "vitest";
import type { HookContext } from "./context.ts";
import { createKeeper } from "./keeper.ts";

/** A master with MSDHA_PG_SYNC=off, whose rounds take a second each. */
function setUp({ promoted = true } = {}) {
  const clock = createManualClock();
  const world = { isMaster: true, lines: [] as string[] };
  const { signal } = new AbortController();
  const context = {
    clock,
    signal,
    env: { MSDHA_FENCING_TOKEN: "7" },
    settings: { sync: "off" },
    group: { isMaster: () => world.isMaster },
    server: { query: async () => [[promoted ? "t" : "f"]] },
    log: (line: string) => void (line.includes("going on") && world.lines.push(line)),
    sleep: (ms: number) => clock.sleep(ms),
  } as unknown as HookContext;
  return { clock, context, keeper: createKeeper(clock), world };
}

test("goes on when nobody has asked for a round for a while, until somebody does", async () => {
  const { clock, context, keeper, world } = setUp();
  await clock.advance(9_000);
  await keeper.continueRounds(context);
  expect(world.lines).toEqual([]);
  await clock.advance(1_000);
  let isOver = false;
  void keeper.continueRounds(context).then(() => {
    isOver = true;
  });
  await clock.advance(30_000);
  expect(world.lines).toHaveLength(1);
  expect(isOver).toBe(false);
  void keeper.round(context);
  await clock.advance(2_000);
  expect(isOver).toBe(true);
});

test("does nothing while somebody asks, or a promotion runs", async () => {
  const { clock, context, keeper, world } = setUp();
  for (let second = 0; second < 20; second += 1) {
    void keeper.round(context);
    await clock.advance(1_000);
    await keeper.continueRounds(context);
  }
  const promotion = keeper.promoting(() => clock.sleep(60_000));
  await clock.advance(50_000);
  await keeper.continueRounds(context);
  await clock.advance(10_000);
  await promotion;
  await keeper.continueRounds(context);
  expect(world.lines).toEqual([]);
});

test("does nothing where the server is not promoted, or the node is no master any more", async () => {
  const slave = setUp({ promoted: false });
  await slave.clock.advance(60_000);
  await slave.keeper.continueRounds(slave.context);
  const former = setUp();
  former.world.isMaster = false;
  await former.clock.advance(60_000);
  await former.keeper.continueRounds(former.context);
  expect([slave.world.lines, former.world.lines]).toEqual([[], []]);
});

test("goes on with one round for a minute, as each is a process of its own", async () => {
  const { clock, context, keeper } = setUp();
  let isOver = false;
  void keeper.round(context).then(() => {
    isOver = true;
  });
  await clock.advance(59_000);
  expect(isOver).toBe(false);
  await clock.advance(2_000);
  expect(isOver).toBe(true);
});

test("ends a round soon when another process asks, and when the node is no master any more", async () => {
  const { clock, context, keeper, world } = setUp();
  const over: string[] = [];
  void keeper.round(context).then(() => over.push("first"));
  await clock.advance(5_000);
  void keeper.round(context).then(() => over.push("second"));
  await clock.advance(1_000);
  expect(over).toEqual(["first"]);
  world.isMaster = false;
  await clock.advance(1_000);
  expect(over).toEqual(["first", "second"]);
});

/** A master whose commits wait for its only standby, which a process of its own serves. */
function setUpStrict(served: ChildProcess) {
  const clock = createManualClock();
  const world = { asked: 0, rows: [["b", String(served.pid), "t"]] };
  const nodeChanges = { count: 1 };
  const context = {
    clock,
    nodeChanges,
    member: "a",
    signal: new AbortController().signal,
    env: { MSDHA_FENCING_TOKEN: "7" },
    settings: { sync: "strict", syncNodes: 1, replicator: "replicator" },
    group: { isMaster: () => true },
    server: {
      value: async () => "0/100",
      async query() {
        world.asked += 1;
        return world.rows;
      },
    },
    store: { nodes: async () => ["a", "b"].map((name) => ({ name, state: "ready", address: name })) },
    log: () => {},
    sleep: (ms: number) => clock.sleep(ms),
  } as unknown as HookContext;
  const keeper = createKeeper(clock);
  keeper.begin("7", { kind: "sync", needed: 1, token: "7", master: "a", standbys: ["b"] });
  /** Resolves with how often the server is asked in a time. */
  const asksIn = async (ms: number): Promise<number> => {
    const before = world.asked;
    for (let passed = 0; passed < ms; passed += 100) {
      await clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return world.asked - before;
  };
  return { asksIn, context, keeper, nodeChanges, world };
}

test("asks a server whose standbys are all there every ten seconds, and sees within half a second that one is gone", async () => {
  const served = spawn("sleep", ["600"]);
  const { asksIn, context, keeper, world } = setUpStrict(served);
  let isOver = false;
  void keeper.round(context).then(() => {
    isOver = true;
  });
  await asksIn(3_000);
  expect(await asksIn(40_000)).toBe(4);
  served.kill("SIGKILL");
  await once(served, "exit");
  world.rows = [];
  expect(isOver).toBe(false);
  expect(await asksIn(600)).toBe(1);
  expect(isOver).toBe(true);
});

test("asks it twice a second while a standby is not counted yet, and when a node has changed", async () => {
  const served = spawn("sleep", ["600"]);
  const { asksIn, context, keeper, nodeChanges, world } = setUpStrict(served);
  world.rows.push(["c", String(served.pid), "f"]);
  void keeper.round(context);
  await asksIn(3_000);
  expect(await asksIn(5_000)).toBeGreaterThan(8);
  world.rows.pop();
  await asksIn(2_000);
  expect(await asksIn(10_000)).toBe(1);
  nodeChanges.count += 1;
  expect(await asksIn(600)).toBe(1);
  served.kill("SIGKILL");
});
