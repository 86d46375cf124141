/** Choices that follow from a seed. */
export interface Random {
  /** From 0 to less than 1. */
  next(): number;
  between(min: number, max: number): number;
  /** A whole number, both ends included. */
  whole(min: number, max: number): number;
  chance(share: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** As many as wanted, or all, each at most once, in a random order. */
  some<T>(items: readonly T[], count: number): readonly T[];
  /** Choices of their own, which do not depend on how many were made here. */
  fork(label: string): Random;
}

export function createRandom(seed: string): Random {
  let state = hash(seed);
  // Mulberry32: small, and good enough to pick faults by.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  const random: Random = {
    next,
    between: (min, max) => min + next() * (max - min),
    whole,
    chance: (share) => next() < share,
    pick(items) {
      if (items.length === 0) throw new TypeError("expected something to pick from, got nothing");
      return items[whole(0, items.length - 1)] as (typeof items)[number];
    },
    some(items, count) {
      const left = [...items];
      const picked: (typeof items)[number][] = [];
      while (left.length > 0 && picked.length < count) {
        picked.push(...left.splice(whole(0, left.length - 1), 1));
      }
      return picked;
    },
    fork: (label) => createRandom(`${seed}/${label}`),
  };
  return random;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value | 0;
}
