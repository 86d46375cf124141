/** A source of chance that always gives the same for one seed. */
export interface Random {
  /** Returns a whole number from 0 up to, but not, `below`. */
  below(below: number): number;
  /** Returns true once in `times` calls, on average. */
  oneIn(times: number): boolean;
  pick<T>(from: readonly T[]): T | undefined;
}

/** Makes one (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    below: (below) => next() % below,
    oneIn: (times) => next() % times === 0,
    pick: (from) => from[next() % Math.max(from.length, 1)],
  };
}
