import { InvalidArgumentError } from "commander";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LONGEST_MS = 400 * 86_400_000;

/** Reads a length of time as `sleep` takes it: `90`, `15m`, `1.5h`, `1d`. Throws what commander prints. */
export function parseDuration(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(text) ?? [];
  const ms = Number(count) * (UNIT_MS[unit || "s"] ?? Number.NaN);
  if (ms >= 1 && ms <= LONGEST_MS) return Math.round(ms);
  throw new InvalidArgumentError("expected a length of time such as 90, 15m, 12h, 1d, at most 400d");
}
