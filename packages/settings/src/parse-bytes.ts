/** By the letter before the B. As PostgreSQL has it, 1 kB is 1,024 bytes. */
const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Reads a number of bytes: `1048576`, `512kB`, `16MB`, `1.5GB`, in any case. Returns undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,15}(?:\.\d{1,6})?)\s*(?:([kmgt]?)b)?$/i.exec(text) ?? [];
  if (amount === undefined) return undefined;
  return Math.floor(Number(amount) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
}
