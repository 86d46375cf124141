import { setTimeout as sleep } from "node:timers/promises";

/** Lets so many pass in a second. */
export interface Pace {
  /** Resolves when the caller's turn has come; at once while there is room. Never rejects. */
  turn(): Promise<void>;
}

/** Returns a pace of `perSecond`, of which as many as that may come at once after a quiet second. */
export function createPace(
  perSecond: number,
  { now = () => performance.now() }: { readonly now?: () => number } = {},
): Pace {
  const stepMs = 1_000 / perSecond;
  let nextAt = Number.NEGATIVE_INFINITY;
  return {
    async turn() {
      nextAt = Math.max(nextAt, now() - 1_000) + stepMs;
      const waitMs = nextAt - now();
      if (waitMs > 0) await sleep(waitMs, undefined, { ref: false });
    },
  };
}
