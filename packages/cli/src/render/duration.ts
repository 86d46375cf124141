const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A length of time in its two largest units: `3 d 4 h`, `12 min 5 s`, `12 s`. A negative one reads `0 s`. */
export function formatDuration(ms: number): string {
  const rounded = Math.max(0, Math.floor(ms / 1_000) * 1_000);
  const first = UNITS.findIndex(([, length]) => rounded >= length);
  if (first < 0) return "0 s";
  return UNITS.slice(first, first + 2)
    .map(([unit, length], index) => [
      index === 0 ? Math.floor(rounded / length) : restOf(rounded, first, length),
      unit,
    ])
    .filter(([count]) => count !== 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** The same in its largest unit: `3 d`. */
export function formatRoughly(ms: number): string {
  return /^\d+ \w+/.exec(formatDuration(ms))?.[0] ?? "0 s";
}

/** A short time as it was measured: `28.4 s`, `141 ms`; a long one as `formatDuration` has it. */
export function formatMeasured(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 600_000 ? `${(ms / 1_000).toFixed(1)} s` : formatDuration(ms);
}

/** A point of time, in UTC, to the second. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

function restOf(ms: number, first: number, length: number): number {
  const larger = UNITS[first]?.[1] ?? 1;
  return Math.floor((ms % larger) / length);
}
