import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Clock } from "./clock.ts";
import type { Leap } from "./suspend-clock.ts";
import { createSystemClock } from "./system-clock.ts";
import { TimeoutError, withTimeout } from "./timeout.ts";

/**
 * A machine's clock, on the fake timers. While the machine is suspended, timers stand still. Its uptime may be served
 * by another program, which says what it likes.
 */
function startMachine({ kernelAnswers = true } = {}) {
  let suspended = 0;
  let madeUp = 0;
  let asked = 0;
  // Cut to hundredths of a second, as the kernel tells it.
  const cut = (ms: number): number => Math.floor(ms / 10) * 10;
  const clock = createSystemClock({
    uptime: () => cut(Date.now() + suspended + madeUp),
    monotonic: () => Date.now(),
    bootTime() {
      asked += 1;
      return kernelAnswers ? cut(Date.now() + suspended) : undefined;
    },
    start: () => ({ boot: 0, monotonic: 0 }),
  });
  const leaps: Leap[] = [];
  return {
    clock,
    leaps,
    asked: () => asked,
    listen: () => clock.onLeap((leap) => leaps.push(leap)),
    suspend(ms: number): void {
      suspended += ms;
    },
    leap(ms: number): void {
      madeUp += ms;
    },
  };
}

/** How a sleep is getting on. */
function startSleep(clock: Clock, ms: number): { endedAt: number | undefined } {
  const state: { endedAt: number | undefined } = { endedAt: undefined };
  void clock.sleep(ms).then(() => {
    state.endedAt = clock.now();
  });
  return state;
}

// Date among them, from 0 on.
beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

describe("a machine that is suspended", () => {
  test("finds its clock ahead by that time", async () => {
    const { clock, suspend } = startMachine();
    await vi.advanceTimersByTimeAsync(5_000);
    suspend(100_000);
    expect(clock.now()).toBe(105_000);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(clock.now()).toBe(110_000);
  });

  test("ends a sleep that is over by then within ten seconds of its resume", async () => {
    const { clock, suspend } = startMachine();
    const sleep = startSleep(clock, 60_000);
    await vi.advanceTimersByTimeAsync(5_000);
    suspend(100_000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sleep.endedAt).toBeGreaterThanOrEqual(105_000);
  });

  test("ends a short sleep with its own timer", async () => {
    const { clock, suspend } = startMachine();
    const sleep = startSleep(clock, 300);
    await vi.advanceTimersByTimeAsync(100);
    suspend(100_000);
    await vi.advanceTimersByTimeAsync(200);
    expect(sleep.endedAt).toBe(100_300);
  });

  test("goes on with a sleep that is not over, for what is left of it", async () => {
    const { clock, suspend } = startMachine();
    const sleep = startSleep(clock, 60_000);
    await vi.advanceTimersByTimeAsync(5_000);
    suspend(30_000);
    await vi.advanceTimersByTimeAsync(24_999);
    expect(sleep.endedAt).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(sleep.endedAt).toBe(60_000);
  });

  test("sees the time of work with a limit pass", async () => {
    const { clock, suspend } = startMachine();
    const limited = expect(withTimeout(clock, 60_000, () => new Promise(() => {}))).rejects.toBeInstanceOf(
      TimeoutError,
    );
    suspend(60_000);
    await vi.advanceTimersByTimeAsync(10_000);
    await limited;
  });
});

describe("an uptime that leaps without a suspend", () => {
  test.each([3_600_000, 5_000, -3_600_000])("by %d ms does not move the clock, and is told", async (ms) => {
    const { clock, leap, leaps, listen } = startMachine();
    listen();
    await vi.advanceTimersByTimeAsync(5_000);
    const sleep = startSleep(clock, 2_000);
    leap(ms);
    expect(clock.now()).toBe(5_000);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(sleep.endedAt).toBe(7_000);
    expect(leaps).toEqual([{ ms, counted: 0 }]);
  });

  test("hides no suspend after it, nor one at the same time", async () => {
    const { clock, leap, suspend, leaps, listen } = startMachine();
    listen();
    leap(-9_000_000);
    expect(clock.now()).toBe(0);
    leap(70_000);
    suspend(20_000);
    expect(clock.now()).toBeGreaterThanOrEqual(19_990);
    expect(clock.now()).toBeLessThanOrEqual(20_000);
    await vi.advanceTimersByTimeAsync(2_000);
    suspend(100_000);
    expect(clock.now()).toBeGreaterThanOrEqual(121_980);
    expect(clock.now()).toBeLessThanOrEqual(122_000);
    expect(leaps.map(({ counted }) => counted > 0)).toEqual([false, true, true]);
  });

  test("all the time, as one that stands still does, is told every ten seconds", async () => {
    const { clock, leap, leaps, listen } = startMachine();
    listen();
    for (let n = 0; n < 150; n++) {
      await vi.advanceTimersByTimeAsync(200);
      leap(-200);
      expect(clock.now()).toBe((n + 1) * 200);
    }
    expect(leaps).toHaveLength(3);
    leap(3_600_000);
    clock.now();
    expect(leaps.at(-1)?.ms).toBe(3_600_000);
  });

  test("is no suspend either where the kernel can't be asked", async () => {
    const { clock, leap, leaps, listen } = startMachine({ kernelAnswers: false });
    listen();
    leap(60_000);
    expect(clock.now()).toBe(0);
    expect(leaps).toEqual([{ ms: 60_000, counted: 0 }]);
  });

  test("again and again has the kernel asked once a second", async () => {
    const { clock, leap, asked } = startMachine();
    for (let n = 0; n < 300; n++) {
      leap(100);
      clock.now();
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(asked()).toBeLessThanOrEqual(4);
    expect(clock.now()).toBe(3_000);
  });
});

test("a clock that is not suspended does not take the cut of the uptime for a suspend", async () => {
  const { clock } = startMachine();
  for (let ms = 1; ms < 2_000; ms++) {
    await vi.advanceTimersByTimeAsync(1);
    expect(clock.now()).toBe(ms);
  }
});

test("a process that is stopped while it looks at the time never finds it ahead, and it never goes back", () => {
  let time = 0;
  let calls = 0;
  let stopped = { call: 0, ms: 0 };
  const read = (): number => {
    calls += 1;
    if (calls === stopped.call) time += stopped.ms;
    return time;
  };
  const clock = createSystemClock({
    uptime: read,
    monotonic: read,
    bootTime: read,
    start: () => ({ boot: 0, monotonic: 0 }),
  });
  let last = clock.now();
  for (let ahead = 1; ahead <= 6; ahead += 1) {
    stopped = { call: calls + ahead, ms: 400 };
    for (let look = 0; look < 4; look += 1) {
      time += 1;
      const now = clock.now();
      expect(now).toBeLessThanOrEqual(time);
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
    expect(last).toBe(time);
  }
});
