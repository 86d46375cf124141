import { createManualClock } from "@msdha/clock";
import { createGroupView } from "@msdha/group";
import { expect, test } from "vitest";
import type { Node } from "./node.ts";
import { runPreStop, runStopped } from "./stop-hooks.ts";
import { shareStopTime } from "./stop-time.ts";

function setUp({
  guardLost = new AbortController().signal,
  isThere = true,
  preStop = false,
  totalMs = 8_000,
  lookMs = 0,
} = {}) {
  const ran: string[] = [];
  const errors: string[] = [];
  const clock = createManualClock();
  const never = new AbortController().signal;
  const node = {
    clock,
    present: { candidate: false, master: false, pre_stop: preStop, stopped: true },
    main: {},
    haste: never,
    lease: { lost: never },
    guard: { lost: guardLost },
    succession: { overtaken: never, succeeded: never },
    log: { error: (_: object, text: string) => errors.push(text), info: () => {}, warn: () => {} },
    hooks: {
      async find(hook: string) {
        // Reading a folder takes time.
        if (lookMs > 0) await clock.sleep(lookMs);
        return isThere ? hook : undefined;
      },
      async run(hook: string, { signal }: { readonly signal: AbortSignal }) {
        if (lookMs > 0) await clock.sleep(lookMs);
        signal.throwIfAborted();
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
    totalMs,
    ttlMs: 3_000,
    keepForStopped: true,
    killAt: () => Number.POSITIVE_INFINITY,
  });
  const run = (gone: boolean): Promise<boolean> =>
    runStopped(node, { kind: "planned", why: "test" }, time, { gone, killed: 0, reached: true });
  return { run, runPreStop: () => runPreStop(node, time), clock, ran, errors };
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

test("a stop without any time says nothing of a pre_stop that is not there", async () => {
  const { runPreStop, clock, ran, errors } = setUp({ isThere: false, totalMs: 0, lookMs: 1 });
  const stop = runPreStop();
  await clock.advance(0);
  await stop;
  expect([ran, errors]).toEqual([[], []]);
});

test("a stop without any time says that there was none for a pre_stop", async () => {
  const { runPreStop, clock, errors } = setUp({ preStop: true, totalMs: 0, lookMs: 1 });
  const stop = runPreStop();
  await clock.advance(0);
  await stop;
  expect(errors).toEqual(["could not run pre_stop to its end"]);
});

test("a pre_stop runs that was put there while the node ran", async () => {
  const { runPreStop, ran, errors } = setUp();
  await runPreStop();
  expect([ran, errors]).toEqual([["pre_stop"], []]);
});
