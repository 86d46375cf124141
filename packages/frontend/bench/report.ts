/** Prints one figure. */
export function report(name: string, figures: Readonly<Record<string, number | string>>): void {
  const text = Object.entries(figures).map(
    ([label, value]) => `${label} ${typeof value === "number" ? round(value) : value}`,
  );
  process.stdout.write(`${name}: ${text.join(", ")}\n`);
}

/** The value below which a share of all values lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function round(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}
