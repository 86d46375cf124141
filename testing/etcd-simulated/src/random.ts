/** A stream of numbers that look random and are the same for the same seed. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** From `low` up to, not including, `high`. */
  between(low: number, high: number): number;
  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number;
  chance(probability: number): boolean;
  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T;
  /** A stream of its own, which does not depend on how much is taken from this one later on. */
  fork(): Random;
}

/** Makes a stream (the generator "mulberry32"). Seeds are whole numbers; only their lowest 32 bits count. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const between = (low: number, high: number): number => low + next() * (high - low);
  const whole = (low: number, high: number): number => Math.floor(between(low, high + 1));

  function pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("expected at least one item to pick from");
    return items[whole(0, items.length - 1)] as T;
  }

  return {
    next,
    between,
    whole,
    chance: (probability) => next() < probability,
    pick,
    fork: () => createRandom(Math.floor(next() * 2 ** 32)),
  };
}

/**
 * Makes a stream that belongs to a seed and a name. What is drawn from one name's stream moves nothing in another's, so
 * a new choice leaves all others as they were.
 */
export function createNamedRandom(seed: number, name: string): Random {
  return createRandom(seed ^ hash(name));
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
