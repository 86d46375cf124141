/** Throws a `TypeError` for what is no length of time: any number but `NaN` is one. */
export function checkMs(name: string, ms: unknown): void {
  if (typeof ms === "number" && !Number.isNaN(ms)) return;
  throw new TypeError(`expected ${name} as a number of milliseconds, got ${show(ms)}`);
}

/** Throws a `TypeError` for what a clock can't show, or can't go on by: it comes to no end. */
export function checkFiniteMs(name: string, ms: unknown): void {
  if (Number.isFinite(ms)) return;
  throw new TypeError(`expected ${name} as a finite number of milliseconds, got ${show(ms)}`);
}

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? typeof value);
}
