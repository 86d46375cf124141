/** Reads a rank: an integer of up to 20 digits, with or without a sign. Returns undefined for anything else. */
export function parseRank(text: string): bigint | undefined {
  const [, sign, digits] = /^([+-]?)(\d{1,20})$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return sign === "-" ? -BigInt(digits) : BigInt(digits);
}

/** Compares two ranks for a sort with the better one first. A node without a rank comes after those that have one. */
export function compareRanks(a: bigint | undefined, b: bigint | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a > b ? -1 : 1;
}
