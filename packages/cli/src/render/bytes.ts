const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** A number of bytes: `0 B`, `512 kB`, `1.2 GB`. As PostgreSQL has it, 1 kB is 1,024 bytes. */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1_023.5 && unit < UNITS.length - 1) {
    amount /= 1_024;
    unit += 1;
  }
  const digits = unit > 0 && amount < 9.95 ? 1 : 0;
  return `${amount.toFixed(digits)} ${UNITS[unit]}`;
}
