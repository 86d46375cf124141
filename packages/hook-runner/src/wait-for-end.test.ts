import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { systemClock } from "@msdha/clock";
import { expect, test } from "vitest";
import type { ProcessExit } from "./launch.ts";
import { waitForEnd } from "./wait-for-end.ts";

test("leaves no listener on a signal that several hooks had, also where the garbage was collected meanwhile", async () => {
  const { signal } = new AbortController();
  const exit = Promise.withResolvers<ProcessExit>();
  const running = { exited: exit.promise, kill() {} };
  const describe = () => ({ durationMs: 0, lastLines: [] });
  const waits = Array.from({ length: 20 }, () =>
    waitForEnd("hook", running, { signal, clock: systemClock, describe }),
  );
  // What was made in this turn is not collected before it ends.
  await new Promise(setImmediate);
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  await new Promise(setImmediate);
  exit.resolve({ code: 0, signal: null });
  await Promise.all(waits);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
