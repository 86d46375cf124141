import { z } from "zod";
import { parseBytes } from "./parse-bytes.ts";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A length of time as `sleep` takes it (`90`, `1.5`, `15m`, `12h`, `1d`, `infinity`), in milliseconds. */
export function duration({
  minMs = 0,
  maxMs = Number.POSITIVE_INFINITY,
}: {
  readonly minMs?: number;
  readonly maxMs?: number;
} = {}): z.ZodType<number, string> {
  const range = describeRange(minMs / 1000, maxMs / 1000, "s");
  const expected = `a length of time such as 90, 15m, 12h, 1d${maxMs === Number.POSITIVE_INFINITY ? " or infinity" : ""}${range}`;
  return z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms === undefined || ms < minMs || ms > maxMs) {
      context.addIssue({ code: "custom", message: expected });
      return z.NEVER;
    }
    return ms;
  });
}

function parseDuration(text: string): number | undefined {
  if (text === "infinity" || text === "inf") return Number.POSITIVE_INFINITY;
  const match = /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * (UNIT_MS[match[2] || "s"] ?? Number.NaN);
}

/** A whole number in decimal digits. */
export function wholeNumber({
  min,
  max,
}: {
  readonly min: number;
  readonly max: number;
}): z.ZodType<number, string> {
  return z.string().transform((text, context) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    context.addIssue({ code: "custom", message: `a whole number from ${min} to ${max}` });
    return z.NEVER;
  });
}

/** A number of bytes (`1048576`, `512kB`, `16MB`, `1.5GB`), or `infinity`. */
export function byteCount(): z.ZodType<number, string> {
  return z.string().transform((text, context) => {
    const bytes = text === "infinity" ? Number.POSITIVE_INFINITY : parseBytes(text);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: "custom", message: "a number of bytes such as 512kB or 16MB, or infinity" });
    return z.NEVER;
  });
}

/** A TCP port. */
export function port(): z.ZodType<number, string> {
  return wholeNumber({ min: 1, max: 65_535 });
}

/** `yes` or `no` (also `true`, `false`, `1`, `0`, `on`, `off`). */
export function yesNo(): z.ZodType<boolean, string> {
  return z.string().transform((text, context) => {
    if (["yes", "true", "1", "on"].includes(text)) return true;
    if (["no", "false", "0", "off"].includes(text)) return false;
    context.addIssue({ code: "custom", message: "yes or no" });
    return z.NEVER;
  });
}

function describeRange(min: number, max: number, unit: string): string {
  if (min > 0 && max < Number.POSITIVE_INFINITY) return `, from ${min} ${unit} to ${max} ${unit}`;
  if (min > 0) return `, at least ${min} ${unit}`;
  if (max < Number.POSITIVE_INFINITY) return `, at most ${max} ${unit}`;
  return "";
}
