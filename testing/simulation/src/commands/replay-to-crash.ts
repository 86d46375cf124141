import { type Crash, NOTHING_CRASHES, toResult, watchForCrashes } from "../crashes.ts";
import type { Result } from "../simulate.ts";
import { describeResult, type ReplayOptions, replay } from "./replay.ts";

/**
 * Runs one seed as `replay` does, but ends at a crash, with its stack when `trace` asks for it. The simulation would
 * go on: who calls this ends the process.
 */
export async function replayToCrash(seed: number, options: ReplayOptions): Promise<number> {
  using crashes = watchForCrashes();
  const { stackTraceLimit } = Error;
  const running = replay(seed, options);
  // It has just switched stack traces off.
  Error.stackTraceLimit = stackTraceLimit;
  const outcome = await Promise.race([
    running.catch((reason: unknown): Crash => ({ reason })),
    crashes.crashed,
  ]);
  if (typeof outcome === "number") return outcome;
  const { reason } = outcome;
  if (options.trace && reason instanceof Error) process.stdout.write(`${reason.stack}\n`);
  process.stdout.write(`${describe(toResult(seed, outcome))}\n`);
  return 1;
}

/** In a line, also for a crash. */
export function describe(result: Result): string {
  const { seed, violation } = result;
  if (violation?.invariant !== NOTHING_CRASHES) return describeResult(result);
  return `seed ${seed}: VIOLATION: ${violation.invariant}: ${violation.what}`;
}
