/** Which part of the last hour is shown. */
export interface TimeWindow {
  readonly lengthMs: number;
  /** Where it ends, in ms since 1970; undefined: now. */
  readonly end: number | undefined;
}

export const LENGTHS: readonly { readonly name: string; readonly ms: number }[] = [
  { name: "1 m", ms: 60_000 },
  { name: "5 m", ms: 300_000 },
  { name: "15 m", ms: 900_000 },
  { name: "1 h", ms: 3_600_000 },
];

const HOUR_MS = 3_600_000;

/** Moves a window by half its length, back (-1) or on (1). It stays in the last hour; at its end it follows the time. */
export function move(window: TimeWindow, direction: -1 | 1, now: number): TimeWindow {
  const { lengthMs, end = now } = window;
  const moved = end + (direction * lengthMs) / 2;
  if (moved >= now) return { lengthMs, end: undefined };
  return { lengthMs, end: Math.max(moved, now - HOUR_MS + lengthMs) };
}

/** The window's bounds. */
export function bounds(
  { lengthMs, end }: TimeWindow,
  now: number,
): { readonly from: number; readonly to: number } {
  const to = end ?? now;
  return { from: to - lengthMs, to };
}
