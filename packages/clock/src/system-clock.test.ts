import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Clock } from "./clock.ts";
import { createSystemClock } from "./system-clock.ts";
import { TimeoutError, withTimeout } from "./timeout.ts";

/** A machine's clock, on the fake timers. While the machine is suspended, timers stand still. */
function startMachine() {
  let suspended = 0;
  const clock = createSystemClock({
    // Cut to hundredths of a second, as the kernel tells it.
    uptime: () => Math.floor((Date.now() + suspended) / 10) * 10,
    monotonic: () => Date.now(),
  });
  return {
    clock,
    suspend(ms: number): void {
      suspended += ms;
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
  const clock = createSystemClock({ uptime: read, monotonic: read });
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
