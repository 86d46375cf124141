/** Somebody could not go on for a part of a time. */
export interface Wait {
  /** On the boot-time clock, ms. */
  readonly from: number;
  readonly to: number;
  /** Where that was; undefined: it concerns every host. */
  readonly host?: string;
  readonly who: string;
  readonly ms: number;
}

export interface LongestWait {
  readonly who: string;
  readonly ms: number;
}

/** Who had to wait, when, and for how long. */
export interface Waits {
  add(wait: Wait): void;
  /** Who waited longest in all between two times, of those that count (default: everybody). */
  longest(from: number, to: number, counts?: (wait: Wait) => boolean): LongestWait;
}

/** What is shorter is forgotten: it tells nothing. */
const LEAST_MS = 2;
const KEPT_MS = 10 * 60_000;

export function createWaits(): Waits {
  const waits: Wait[] = [];
  return {
    add(wait) {
      if (wait.ms < LEAST_MS) return;
      waits.push(wait);
      while (waits[0] && waits[0].to < wait.to - KEPT_MS) waits.shift();
    },
    longest(from, to, counts = () => true) {
      const sums = new Map<string, number>();
      for (const wait of waits) {
        if (!counts(wait)) continue;
        const share = (Math.min(to, wait.to) - Math.max(from, wait.from)) / (wait.to - wait.from);
        if (share > 0) sums.set(wait.who, (sums.get(wait.who) ?? 0) + share * wait.ms);
      }
      const [who, ms] = [...sums].reduce((a, b) => (b[1] > a[1] ? b : a), ["nobody", 0]);
      return { who, ms: Math.round(ms) };
    },
  };
}
