import { checkFiniteMs, checkMs } from "./check-ms.ts";
import type { Clock, SleepOptions } from "./clock.ts";

/** A clock that stands still until `advance` moves it. */
export interface ManualClock extends Clock {
  /**
   * Goes on by `ms`, stopping at every sleep that ends on the way, in order, and letting all that follows from it
   * (promise callbacks, `setImmediate`) run before it goes on. Work that waits for real input or output is not waited for.
   * Less than 0 lets things run, and ends no sleep. Rejects with a `TypeError` unless `ms` is a finite number.
   */
  advance(ms: number): Promise<void>;
  /** How many sleeps have not ended. */
  readonly sleeping: number;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Returns a clock for tests that starts at `startMs` (default: 0). Throws a `TypeError` unless that is a finite number. */
export function createManualClock({ startMs = 0 }: { readonly startMs?: number } = {}): ManualClock {
  checkFiniteMs("startMs", startMs);
  let time = startMs;
  const sleepers = new Set<Sleeper>();

  function sleep(ms: number, { signal }: SleepOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      checkMs("ms", ms);
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const stop = (): void => {
        sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        at: time + Math.max(ms, 0),
        wake: () => {
          signal?.removeEventListener("abort", stop);
          resolve();
        },
      };
      signal?.addEventListener("abort", stop, { once: true });
      sleepers.add(sleeper);
    });
  }

  async function advance(ms: number): Promise<void> {
    checkFiniteMs("ms", ms);
    const until = time + ms;
    await settle();
    for (let next = earliest(sleepers); next && next.at <= until; next = earliest(sleepers)) {
      time = Math.max(time, next.at);
      sleepers.delete(next);
      next.wake();
      await settle();
    }
    time = Math.max(time, until);
  }

  return {
    now: () => time,
    sleep,
    advance,
    get sleeping() {
      return sleepers.size;
    },
  };
}

function earliest(sleepers: ReadonlySet<Sleeper>): Sleeper | undefined {
  let first: Sleeper | undefined;
  for (const sleeper of sleepers) {
    if (!first || sleeper.at < first.at) first = sleeper;
  }
  return first;
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
