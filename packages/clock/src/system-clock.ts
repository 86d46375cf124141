import { uptime } from "node:os";
import { checkMs } from "./check-ms.ts";
import type { Clock, SleepOptions } from "./clock.ts";
import { readBootTime, readProcessStart } from "./kernel-time.ts";
import { createSuspendClock, type Leap, type MachineTime } from "./suspend-clock.ts";

/** How long one timer may run: a suspended machine's timers stand still, so long sleeps look at the clock again. */
const LONGEST_TIMER_MS = 10_000;

export interface SystemClock extends Clock {
  /**
   * Calls `listener` with each leap of one source of time against another from now on, within the `now()` that finds it;
   * those that do not count every ten seconds, or when one is more than twice as large. It takes the place of a former one.
   */
  onLeap(listener: (leap: Leap) => void): void;
}

/**
 * The boot-time clock (Linux `CLOCK_BOOTTIME`): it goes on while the machine is suspended and does not see steps
 * of the wall clock. It is the kernel's monotonic clock plus the time spent suspended. /proc/uptime only hints at a
 * suspend, which counts as far as the kernel confirms it: in a container another program may serve that file.
 */
export const systemClock: SystemClock = createSystemClock({
  uptime: () => uptime() * 1000,
  monotonic,
  bootTime: readBootTime,
  start() {
    const boot = readProcessStart();
    return boot === undefined ? undefined : { boot, monotonic: monotonic() - performance.now() };
  },
});

/** Makes a clock from a machine's clocks; its sleeps are Node's timers. */
export function createSystemClock(machine: MachineTime): SystemClock {
  const { now, onLeap } = createSuspendClock(machine);
  return { now, onLeap, sleep: (ms, options) => sleep(now, ms, options) };
}

function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

function sleep(now: () => number, ms: number, { signal }: SleepOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    checkMs("ms", ms);
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const until = ms === Number.POSITIVE_INFINITY ? ms : now() + ms;
    let timer: NodeJS.Timeout;
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const arm = (left: number): void => {
      timer = setTimeout(look, Math.min(Math.max(Math.ceil(left), 0), LONGEST_TIMER_MS));
    };
    const look = (): void => {
      const left = until - now();
      if (left > 0) {
        arm(left);
        return;
      }
      signal?.removeEventListener("abort", stop);
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
    arm(ms);
  });
}
