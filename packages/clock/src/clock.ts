/** The passing of time, as the rest of MSDHA sees it: never the wall clock. */
export interface Clock {
  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  now(): number;
  /**
   * Resolves once `now()` has gone on by `ms` (at once, but never synchronously, for 0 or less).
   * Takes any finite length, and `Infinity`, which only `signal` ends. Rejects with `signal.reason` on abort,
   * and with a `TypeError` if `ms` is not a number.
   */
  sleep(ms: number, options?: SleepOptions): Promise<void>;
}

export interface SleepOptions {
  readonly signal?: AbortSignal | undefined;
}
