import { createManualClock } from "@msdha/clock";
import type { Log } from "@msdha/log";
import { expect, test } from "vitest";
import { warnOfLongHook } from "./long-hook.ts";

test("warns of a master hook that hangs after 10, 20, 40 s, and no more once it has ended", async () => {
  const clock = createManualClock();
  const warned: unknown[] = [];
  const log = { warn: (fields: { seconds: number }) => warned.push(fields.seconds) } as unknown as Log;
  const watch = warnOfLongHook({ clock, log }, "master");
  await clock.advance(45_000);
  expect(warned).toEqual([10, 20, 40]);
  watch[Symbol.dispose]();
  await clock.advance(100_000);
  expect(warned).toHaveLength(3);
  expect(clock.sleeping).toBe(0);
});
