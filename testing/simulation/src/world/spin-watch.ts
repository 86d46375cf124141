/** More events than this within so short a time are a loop that waits for nothing. */
const MOST_EVENTS = 50_000;
const WITHIN_MS = 1;

/** Notices code that goes round without letting time pass: its seed would never end. */
export interface SpinWatch {
  /** Takes the time of each event. Returns whether there were too many within too short a time. */
  spins(now: number): boolean;
}

export function createSpinWatch(): SpinWatch {
  let since = Number.NEGATIVE_INFINITY;
  let events = 0;
  return {
    spins(now) {
      if (now >= since + WITHIN_MS) {
        since = now;
        events = 0;
      }
      events += 1;
      return events > MOST_EVENTS;
    },
  };
}
