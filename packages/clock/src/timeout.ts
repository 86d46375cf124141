import { checkMs } from "./check-ms.ts";
import type { Clock } from "./clock.ts";
import { notNeeded } from "./not-needed.ts";

/** What `withTimeout` throws when the time is over. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
  readonly code = "ERR_TIMEOUT";
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** Returns whether `error` is a `TimeoutError`, also one of another copy of this package. */
export function isTimeoutError(error: unknown): error is TimeoutError {
  return error instanceof Error && "code" in error && error.code === "ERR_TIMEOUT";
}

/**
 * Runs `work` with a signal that aborts when `timeoutMs` are over or when `signal` aborts, and settles no later
 * than that: with the work's own outcome, with a `TimeoutError`, or with `signal.reason`. Work that ignores its
 * signal is left behind; what it settles with is dropped. 0 or less is over at once, but the work is begun; `Infinity` is no
 * limit. Rejects with a `TypeError`, before the work begins, if `timeoutMs` is not a number.
 */
export async function withTimeout<T>(
  clock: Clock,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<T> {
  checkMs("timeoutMs", timeoutMs);
  signal?.throwIfAborted();
  const over = new AbortController();
  const done = new AbortController();
  const limit = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const aborted = new Promise<never>((_, reject) => {
    limit.addEventListener("abort", () => reject(limit.reason), { once: true, signal: done.signal });
  });
  clock.sleep(timeoutMs, { signal: done.signal }).then(
    () => over.abort(new TimeoutError(timeoutMs)),
    () => {},
  );
  try {
    return await Promise.race([work(limit), aborted]);
  } finally {
    done.abort(notNeeded);
  }
}
