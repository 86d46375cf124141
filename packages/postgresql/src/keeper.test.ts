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
  await keeper.goOn(context);
  expect(world.lines).toEqual([]);
  await clock.advance(1_000);
  let isOver = false;
  void keeper.goOn(context).then(() => {
    isOver = true;
  });
  await clock.advance(30_000);
  expect(world.lines).toHaveLength(1);
  expect(isOver).toBe(false);
  void keeper.round(context);
  await clock.advance(2_000);
  expect(isOver).toBe(true);
});

test("leaves it to who asks, and to a promotion", async () => {
  const { clock, context, keeper, world } = setUp();
  for (let second = 0; second < 20; second += 1) {
    void keeper.round(context);
    await clock.advance(1_000);
    await keeper.goOn(context);
  }
  const promotion = keeper.promoting(() => clock.sleep(60_000));
  await clock.advance(50_000);
  await keeper.goOn(context);
  await clock.advance(10_000);
  await promotion;
  await keeper.goOn(context);
  expect(world.lines).toEqual([]);
});

test("does nothing where the server is not promoted, or the node is no master any more", async () => {
  const slave = setUp({ promoted: false });
  await slave.clock.advance(60_000);
  await slave.keeper.goOn(slave.context);
  const former = setUp();
  former.world.isMaster = false;
  await former.clock.advance(60_000);
  await former.keeper.goOn(former.context);
  expect([slave.world.lines, former.world.lines]).toEqual([[], []]);
});
