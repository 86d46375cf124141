import { setTimeout as sleep } from "node:timers/promises";

const INTERVAL_MS = 20;

/** Resolves when the condition holds; rejects with one clear line when it does not in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { what, patienceMs }: { readonly what: string; readonly patienceMs: number },
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > end)
      throw new Error(`waited ${Math.round(patienceMs / 1_000)} s in vain for ${what}`);
    await sleep(INTERVAL_MS);
  }
}
