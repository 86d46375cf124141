import { type Clock, notNeeded } from "@msdha/clock";

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
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const stop = (): void => reject(signal?.reason);
      if (signal?.aborted) stop();
      signal?.addEventListener("abort", stop, { once: true });
      waiting.add(resolve);
      if (timeoutMs < Number.POSITIVE_INFINITY)
        clock.sleep(timeoutMs, { signal: over.signal }).then(resolve, () => {});
      try {
        await promise;
      } finally {
        waiting.delete(resolve);
        signal?.removeEventListener("abort", stop);
        over.abort(notNeeded);
      }
    },
    wake() {
      for (const resolve of waiting) resolve();
    },
  };
}
