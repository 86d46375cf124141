import { uptime } from "node:os";
import { expect, test } from "vitest";
import { systemClock } from "../src/index.ts";

test("tells the time since the machine was booted, and never goes back", () => {
  expect(Math.abs(systemClock.now() - uptime() * 1000)).toBeLessThan(1_000);
  let last = systemClock.now();
  for (let look = 0; look < 10_000; look++) {
    const now = systemClock.now();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
});

test("sleeps no less than it was asked to", async () => {
  const began = systemClock.now();
  await systemClock.sleep(20);
  expect(systemClock.now() - began).toBeGreaterThanOrEqual(20);
});

test("ends a sleep that is longer than a timer can be by its signal only", async () => {
  const stop = new AbortController();
  const sleep = systemClock.sleep(2 ** 40, { signal: stop.signal });
  const first = await Promise.race([
    sleep.then(() => "slept"),
    systemClock.sleep(30).then(() => "still asleep"),
  ]);
  expect(first).toBe("still asleep");
  stop.abort(new Error("enough"));
  await expect(sleep).rejects.toThrow("enough");
});

test("refuses a length that is no number", async () => {
  await expect(systemClock.sleep(Number.NaN)).rejects.toBeInstanceOf(TypeError);
});
