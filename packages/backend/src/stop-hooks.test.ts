import { createManualClock } from "@msdha/clock";
import { createGroupView } from "@msdha/group";
import { expect, test } from "vitest";
import type { Node } from "./node.ts";
import { runStopped } from "./stop-hooks.ts";
import { shareStopTime } from "./stop-time.ts";

function setUp({ guardLost = new AbortController().signal, isThere = true } = {}) {
  const ran: string[] = [];
  const errors: string[] = [];
  const clock = createManualClock();
  const never = new AbortController().signal;
  const node = {
    clock,
    present: { candidate: false, master: false, stopped: true },
    lease: { lost: never },
    guard: { lost: guardLost },
    succession: { overtaken: never, succeeded: never },
    log: { error: (_: object, text: string) => errors.push(text), info: () => {}, warn: () => {} },
    hooks: {
      run: async (hook: string) => {
        if (isThere) ran.push(hook);
        return isThere ? { durationMs: 0, lastLines: [] } : undefined;
      },
    },
    membership: { state: "master" },
    follower: { view: createGroupView("g") },
    permission: { check: () => {} },
    baseEnvironment: {},
    role: { kind: "candidate" },
    config: { hookTimeoutMs: Number.POSITIVE_INFINITY },
  } as unknown as Node;
  const time = shareStopTime({
    begun: clock.now(),
    totalMs: 8_000,
    ttlMs: 3_000,
    keepForStopped: true,
    killAt: () => Number.POSITIVE_INFINITY,
  });
  const run = (gone: boolean): Promise<boolean> =>
    runStopped(node, { kind: "planned", why: "test" }, time, { gone, killed: 0, reached: true });
  return { run, ran, errors };
}

test("stopped runs when nothing else is alive", async () => {
  const { run, ran } = setUp();
  expect(await run(true)).toBe(true);
  expect(ran).toEqual(["stopped"]);
});

test("stopped does not run beside what hangs in the kernel, and the log says so", async () => {
  const { run, ran, errors } = setUp();
  expect(await run(false)).toBe(false);
  expect(ran).toEqual([]);
  expect(errors).toEqual([expect.stringContaining("could not run")]);
});

test("stopped has not run when its file was there at the start and is gone", async () => {
  const { run, ran, errors } = setUp({ isThere: false });
  expect(await run(true)).toBe(false);
  expect(ran).toEqual([]);
  expect(errors).toEqual(["could not run stopped to its end"]);
});
