import { createManualClock } from "@msdha/clock";
import { expect, test } from "vitest";
import { watchWallClock } from "./wall-clock.ts";

test("reports a wall clock that was set forward, once, and none that is slewed or set back", async () => {
  const clock = createManualClock();
  const jumps: number[] = [];
  let ahead = 1_700_000_000_000;
  const watch = watchWallClock({ clock, onJump: (ms) => jumps.push(ms), wallNow: () => clock.now() + ahead });
  await clock.advance(3_000);
  ahead += 40_000;
  await clock.advance(2_000);
  expect(jumps).toEqual([40_000]);
  ahead -= 40_000;
  await clock.advance(2_000);
  ahead += 400;
  await clock.advance(2_000);
  expect(jumps).toHaveLength(1);
  watch[Symbol.dispose]();
  expect(clock.sleeping).toBe(0);
});
