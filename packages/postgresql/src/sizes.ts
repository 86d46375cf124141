const UNITS: Readonly<Record<string, number>> = { B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** Returns the bytes of a size as PostgreSQL writes it (`1MB`, `64 kB`), or of `infinity`; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  if (text === "infinity") return Number.POSITIVE_INFINITY;
  const match = /^(\d{1,9}) *(B|kB|MB|GB|TB)$/.exec(text.trim());
  return match ? Number(match[1]) * (UNITS[match[2] ?? ""] ?? Number.NaN) : undefined;
}

/** Returns a size for a log line: whole units, rounded up. */
export function formatSize(bytes: number): string {
  const unit = Object.keys(UNITS).findLast((name) => bytes >= (UNITS[name] ?? 0)) ?? "B";
  return `${Math.ceil(bytes / (UNITS[unit] ?? 1))} ${unit}`;
}
