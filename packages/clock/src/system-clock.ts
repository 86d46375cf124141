import { uptime } from "node:os";
import type { Clock, SleepOptions } from "./clock.ts";

/** How long one timer may run: a suspended machine's timers stand still, so long sleeps look at the clock again. */
const LONGEST_TIMER_MS = 10_000;
/** `uptime()` is cut to hundredths of a second; a larger step than this between two looks is a suspend. */
const SUSPEND_STEP_MS = 50;

/** What the machine tells of the time, in milliseconds. */
export interface MachineTime {
  /** Since it was started, the time that it was suspended for included. */
  readonly uptime: () => number;
  /** The same without that time, finer, from anywhere on. */
  readonly monotonic: () => number;
}

/**
 * The boot-time clock (Linux `CLOCK_BOOTTIME`): it goes on while the machine is suspended and does not see steps
 * of the wall clock. It is the monotonic clock plus the time spent suspended, which makes it finer than the
 * hundredths of a second that `/proc/uptime` tells; it is never ahead of `CLOCK_BOOTTIME`, at most 60 ms behind (10 as a
 * rule), and never goes back.
 */
export const systemClock: Clock = createSystemClock({
  uptime: () => uptime() * 1000,
  monotonic: () => Number(process.hrtime.bigint() / 1000n) / 1000,
});

/** Makes a clock of what a machine tells; its sleeps are Node's timers. */
export function createSystemClock({ uptime, monotonic }: MachineTime): Clock {
  let suspendedMs = Math.max(look().suspendedMs, look().suspendedMs, look().suspendedMs);

  /**
   * The uptime first: who is interrupted between the two (stopped, throttled) finds less time suspended than there was,
   * never more. That time never gets less, so the larger of two looks is the better one.
   */
  function look(): { readonly suspendedMs: number; readonly at: number } {
    const boot = uptime();
    const at = monotonic();
    return { suspendedMs: boot - at, at };
  }

  function now(): number {
    const seen = look();
    if (seen.suspendedMs > suspendedMs + SUSPEND_STEP_MS) suspendedMs = seen.suspendedMs;
    return seen.at + suspendedMs;
  }

  return { now, sleep: (ms, options) => sleep(now, ms, options) };
}

function sleep(now: () => number, ms: number, { signal }: SleepOptions = {}): Promise<void> {
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
