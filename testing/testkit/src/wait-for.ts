import { availableParallelism, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

export interface WaitForOptions {
  /** Default: 10 s, and as many times longer as the machine has more to do than processors. */
  readonly timeoutMs?: number;
  /** What is waited for, for the error: "a leader". */
  readonly what: string;
  /** How long to wait between two looks. Default 20 ms. */
  readonly intervalMs?: number;
}

const DEFAULT_MS = 10_000;
const MOST_TIMES = 6;

function patience(): number {
  const [load = 0] = loadavg();
  return Math.round(DEFAULT_MS * Math.min(MOST_TIMES, Math.max(1, load / availableParallelism())));
}

/**
 * Looks until `condition` returns (or resolves with) something truthy, and resolves with that. A condition that
 * throws counts as not met yet. Rejects after `timeoutMs` with an error that says what was waited for and what the
 * last look said (its error as `cause`).
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = patience(), what, intervalMs = 20 }: WaitForOptions,
): Promise<NonNullable<T>> {
  const until = performance.now() + timeoutMs;
  let last: unknown;
  let cause: unknown;
  do {
    try {
      last = await condition();
      cause = undefined;
      if (last) return last as NonNullable<T>;
    } catch (error) {
      cause = error;
    }
    await sleep(intervalMs);
  } while (performance.now() < until);
  const seen = cause instanceof Error ? cause.message : String(last);
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}; last seen: ${seen}`, { cause });
}
