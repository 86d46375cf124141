import type { Clock } from "@msdha/clock";
import type { Timeline } from "./machine-time.ts";

export interface DriftingClockOptions {
  /** How many of its milliseconds pass in one of the world's. */
  readonly rate: number;
  /** What it says at the world's time 0. */
  readonly offset: number;
  /** Ends a sleep; default: at once. */
  readonly deliver?: (wake: () => void) => void;
  /** The world's time as it looks from here; default: the world's own. */
  readonly worldNow?: () => number;
}

/** A nanosecond more, so that a sleeper never wakes before its time by a rounding. */
const ROUNDING_MS = 1e-6;

/** A clock of a machine: it begins anywhere and goes a little too fast or too slow. */
export function createDriftingClock(scheduler: Timeline, options: DriftingClockOptions): Clock {
  const { rate, offset, deliver = (wake) => wake(), worldNow = () => scheduler.now } = options;
  const now = (): number => offset + worldNow() * rate;
  return {
    now,
    sleep(ms, { signal } = {}) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const at = (now() + Math.max(ms, 0) - offset) / rate + ROUNDING_MS;
        const cancel = scheduler.at(at, () =>
          deliver(() => {
            signal?.removeEventListener("abort", onAbort);
            resolve();
          }),
        );
        const onAbort = (): void => {
          cancel();
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
