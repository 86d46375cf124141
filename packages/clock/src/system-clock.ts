import { uptime } from "node:os";
import type { Clock, SleepOptions } from "./clock.ts";

/** How long one timer may run: a suspended machine's timers stand still, so long sleeps look at the clock again. */
const LONGEST_TIMER_MS = 10_000;
/** `uptime()` is cut to hundredths of a second; a larger step than this between two looks is a suspend. */
const SUSPEND_STEP_MS = 50;

let suspendedMs = bootMinusMonotonic();

/**
 * The boot-time clock (Linux `CLOCK_BOOTTIME`): it goes on while the machine is suspended and does not see steps
 * of the wall clock. It is the monotonic clock plus the time spent suspended, which makes it finer than the
 * hundredths of a second that `/proc/uptime` tells; it is never ahead of `CLOCK_BOOTTIME` and at most 10 ms behind.
 */
export const systemClock: Clock = { now, sleep };

function now(): number {
  const offset = bootMinusMonotonic();
  if (Math.abs(offset - suspendedMs) > SUSPEND_STEP_MS) suspendedMs = offset;
  return monotonic() + suspendedMs;
}

function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

function bootMinusMonotonic(): number {
  const before = monotonic();
  return uptime() * 1000 - before;
}

function sleep(ms: number, { signal }: SleepOptions = {}): Promise<void> {
  if (Number.isNaN(ms)) return Promise.reject(new TypeError("expected a number of milliseconds, got NaN"));
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const until = now() + ms;
    let timer: NodeJS.Timeout;
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const arm = (): void => {
      const left = until - now();
      timer = setTimeout(look, Math.min(Math.max(Math.ceil(left), 0), LONGEST_TIMER_MS));
    };
    const look = (): void => {
      if (now() < until) {
        arm();
        return;
      }
      signal?.removeEventListener("abort", stop);
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
    arm();
  });
}
