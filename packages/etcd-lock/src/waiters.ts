import type { Clock } from "@msdha/clock";

/** Those who wait for the next change. */
export interface Waiters {
  /** Resolves at the next `wake`, or after `timeoutMs` (default: never). Rejects with the reason of `signal`. */
  wait(options: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  wake(): void;
}

export function createWaiters(clock: Clock): Waiters {
  /** Called at the next change. Not one shared promise: that would retain waiters which timed out. */
  const waiting = new Set<() => void>();
  return {
    async wait({ timeoutMs = Number.POSITIVE_INFINITY, signal }) {
      const over = new AbortController();
      const end = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      try {
        await Promise.race([promise, clock.sleep(timeoutMs, { signal: end })]);
      } finally {
        waiting.delete(resolve);
        over.abort();
      }
    },
    wake() {
      for (const resolve of waiting) resolve();
    },
  };
}
