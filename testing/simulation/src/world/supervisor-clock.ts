import { type Clock, createSuspendClock, type Leap, type SleepOptions } from "@msdha/clock";

/** A supervisor's clock, which production makes of several sources; each may be wrong. */
export interface SupervisorClock extends Clock {
  /** What /proc/uptime says, in ms. */
  uptime(): number;
  /** Another program serves /proc/uptime: it says so much more, or less, from now on. */
  leapUptime(ms: number): void;
  /** It misses so much time, as by a suspend that no source shows: it stands still until then. */
  fallBehind(ms: number): void;
}

/** Makes a clock out of the kernel's. It is the kernel's until the first fault. */
export function createSupervisorClock(
  kernel: Clock,
  { onLeap }: { readonly onLeap: (leap: Leap) => void },
): SupervisorClock {
  let behindMs = 0;
  let leaptMs = 0;
  let last = Number.NEGATIVE_INFINITY;

  function monotonic(): number {
    last = Math.max(last, kernel.now() - behindMs);
    return last;
  }

  const uptime = (): number => monotonic() + leaptMs;
  const suspendClock = createSuspendClock({
    monotonic,
    uptime,
    bootTime: monotonic,
    start() {
      const at = monotonic();
      return { boot: at, monotonic: at };
    },
  });
  suspendClock.onLeap(onLeap);
  const { now } = suspendClock;

  return {
    now,
    sleep: (ms, options) => sleepBy(now, kernel, ms, options),
    uptime,
    leapUptime(ms) {
      leaptMs += ms;
    },
    fallBehind(ms) {
      behindMs += ms;
    },
  };
}

/** No timer of Node is shorter. */
const SHORTEST_TIMER_MS = 1;

/** Sleeps until a clock that is not the kernel's says that the time is over, as production does. */
export async function sleepBy(
  now: () => number,
  kernel: Clock,
  ms: number,
  options?: SleepOptions,
): Promise<void> {
  const until = now() + ms;
  await kernel.sleep(ms, options);
  // Where that clock stands still what is left may be next to nothing, again and again.
  while (now() < until) await kernel.sleep(Math.max(until - now(), SHORTEST_TIMER_MS), options);
}
