import { createManualClock } from "@msdha/clock";
import { createGroupView } from "@msdha/group";
import { HookFailedError } from "@msdha/hook-runner";
import { createLog } from "@msdha/log";
import { expect, test } from "vitest";
import { watchLiveness } from "./alive.ts";
import type { Ending } from "./ending.ts";
import { recordLiveness } from "./liveness.ts";
import type { Node } from "./node.ts";

/** A node whose `alive` hook succeeds as long as `isAlive`, and takes its whole time when not. */
function setUp({ exists = true } = {}) {
  const clock = createManualClock();
  const stop = new AbortController();
  const world = { isAlive: true, endedAt: Number.NaN, ending: undefined as Ending | undefined, runs: 0 };
  const node = {
    clock,
    config: { aliveIntervalMs: 5_000, aliveTimeoutMs: 2_000, aliveFailures: 3 },
    end: {
      begun: stop.signal,
      because(ending: Ending) {
        world.ending ??= ending;
        world.endedAt = clock.now();
        stop.abort(new Error("ended"));
      },
    },
    hooks: {
      find: async () => (exists ? "/hooks/alive" : undefined),
      async run(_hook: string, { timeoutMs }: { readonly timeoutMs: number }) {
        world.runs += 1;
        if (world.isAlive) return true;
        await clock.sleep(timeoutMs);
        throw new HookFailedError("alive", { kind: "timeout", timeoutMs });
      },
    },
    membership: { state: "master" },
    role: { kind: "candidate" },
    follower: { view: createGroupView("db") },
    baseEnvironment: {},
    log: createLog({ level: "silent" }).log,
    liveness: recordLiveness(),
  } as unknown as Node;
  watchLiveness(node);
  return { clock, node, world };
}

test("ends the node no later than interval x failures + limit after the program hangs", async () => {
  const { clock, node, world } = setUp();
  await clock.advance(5_001);
  world.isAlive = false;
  const hungAt = clock.now();
  await clock.advance(60_000);
  expect(world.ending).toMatchObject({ kind: "failed", error: { code: "ERR_HOOK_FAILED" } });
  expect(world.endedAt - hungAt).toBeLessThanOrEqual(3 * 5_000 + 2_000);
  expect(node.liveness.latest).toMatchObject({ failures: 3 });
});

test("forgets failures when the program answers again", async () => {
  const { clock, node, world } = setUp();
  await clock.advance(1);
  for (let round = 0; round < 5; round += 1) {
    world.isAlive = false;
    await clock.advance(12_500);
    expect(node.liveness.latest).toEqual({ failures: 2, failure: "hook alive took longer than 2000 ms" });
    world.isAlive = true;
    await clock.advance(2_500);
    expect(node.liveness.latest).toEqual({ failures: 0, failure: undefined });
  }
  expect(world.ending).toBeUndefined();
});

test("is off without the hook", async () => {
  const { clock, node, world } = setUp({ exists: false });
  await clock.advance(60_000);
  expect([world.runs, node.liveness.latest]).toEqual([0, undefined]);
});
