/** When the guard's clock said `theirs`: between two moments on ours. */
export interface Reading {
  readonly theirs: number;
  readonly sentAt: number;
  readonly receivedAt: number;
}

/** How far the guard's clock is ahead of ours. */
export interface ClockOffset {
  take(reading: Reading): void;
  /** Never more than it is, unless our clock has leapt forward since the last reading. */
  readonly ahead: number;
}

/** Readings that contradict one another by less are put down to rounding. */
const LEAP_MS = 100;

/**
 * Narrows the offset down with each reading. Both clocks are the kernel's, so it should stay the same: when a reading
 * contradicts the former ones, one of the clocks has leapt. If ours went forward, the offset is smaller from now on. If ours
 * stayed behind, the smaller one goes on to count: a time that was read before then is not moved. Either way a deadline is early at worst.
 */
export function createClockOffset({ onLeap }: { readonly onLeap: (ms: number) => void }): ClockOffset {
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  let behind = 0;

  return {
    take({ theirs, sentAt, receivedAt }) {
      const low = theirs - receivedAt;
      const high = theirs - sentAt;
      if (high < least) {
        if (least - high > LEAP_MS) onLeap(least - high);
        least = low;
        most = high;
        behind = 0;
        return;
      }
      if (low - most > behind + LEAP_MS) {
        behind = low - most;
        onLeap(-behind);
      }
      most = Math.min(most, high);
      least = Math.max(least, Math.min(low, most));
    },
    get ahead() {
      return least;
    },
  };
}
