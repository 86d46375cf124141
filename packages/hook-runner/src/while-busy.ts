import type { Clock } from "@msdha/clock";

export interface WhileBusyOptions {
  readonly clock: Clock;
  /** How long to go on, in ms; default: 10,000. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Longer than any editor or copy needs to write a hook. */
export const LONGEST_BUSY_MS = 10_000;
const PAUSE_MS = 50;

/**
 * Starts a program, again and again as long as its file is open for writing (ETXTBSY), as somebody is just changing it, or the
 * system has no process, memory or descriptor left for it (EAGAIN, ENOMEM, EMFILE, ENFILE).
 * Resolves and rejects as `start` does. Rejects with its last error when `patienceMs` are over, and with the reason of
 * `signal`.
 */
export async function whileBusy<T>(
  start: () => Promise<T>,
  { clock, patienceMs = LONGEST_BUSY_MS, signal }: WhileBusyOptions,
): Promise<T> {
  const until = clock.now() + patienceMs;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!isBusy(error) || clock.now() + PAUSE_MS > until) throw error;
    }
    await clock.sleep(PAUSE_MS, signal ? { signal } : {});
  }
}

const PASSING = ["ETXTBSY", "EAGAIN", "ENOMEM", "EMFILE", "ENFILE"];

/** Whether an error says that a program can't be started just now: a `LaunchFailedError` in its `errno`, Node's in its `code`. */
function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { errno, code } = error as { readonly errno?: unknown; readonly code?: unknown };
  return PASSING.includes(String(errno)) || PASSING.includes(String(code));
}
