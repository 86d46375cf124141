import { inspect } from "node:util";
import type { Result } from "./simulate.ts";

/** The invariant that a crash breaks. It counts whatever else is looked at: the seed can't be judged any further. */
export const NOTHING_CRASHES = "nothingCrashes";

/** What ends a process in production: an error that nobody catches, or a rejection that nobody handles. */
export interface Crash {
  readonly reason: unknown;
}

/** Keeps this thread alive when something crashes, until disposed of. */
export interface CrashWatch extends Disposable {
  readonly first: Crash | undefined;
  /** Resolves at the first crash; pending for good when there is none. */
  readonly crashed: Promise<Crash>;
}

export function watchForCrashes(): CrashWatch {
  const { promise: crashed, resolve } = Promise.withResolvers<Crash>();
  let first: Crash | undefined;

  function note(reason: unknown): void {
    first ??= { reason };
    resolve(first);
  }

  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  return {
    get first() {
      return first;
    },
    crashed,
    [Symbol.dispose]() {
      process.off("uncaughtException", note);
      process.off("unhandledRejection", note);
    },
  };
}

/** The result of a seed that crashed. Nobody knows when, or how much was simulated. */
export function toResult(seed: number, { reason }: Crash): Result {
  const what =
    reason instanceof Error ? String(reason) : inspect(reason, { breakLength: Number.POSITIVE_INFINITY });
  const violation = { invariant: NOTHING_CRASHES, what, at: Number.NaN };
  return { seed, violation, simulatedMs: 0, steps: 0, masters: 0 };
}
