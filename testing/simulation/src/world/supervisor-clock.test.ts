import type { Clock } from "@msdha/clock";
import { expect, test } from "vitest";
import { createSupervisorClock } from "./supervisor-clock.ts";

test("a short sleep ends when a clock that has fallen behind goes on, and looks no more often than a timer can", async () => {
  let time = 0;
  let sleeps = 0;
  const kernel: Clock = {
    now: () => time,
    async sleep(ms) {
      sleeps += 1;
      time += ms;
    },
  };
  const clock = createSupervisorClock(kernel, { onLeap: () => {} });
  clock.now();
  clock.fallBehind(100);
  await clock.sleep(0.001);
  expect(time).toBeGreaterThanOrEqual(100);
  expect(sleeps).toBeLessThan(110);
});
