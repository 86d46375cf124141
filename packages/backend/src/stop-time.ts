import type { Node } from "./node.ts";

/** Of the time that a stop may take, `pre_stop` gets at most this share. */
const PRE_STOP_SHARE = 1 / 2;
/** And so much is kept for the `stopped` hook, where there is one. */
const STOPPED_SHARE = 1 / 4;
/** The last look at what is left has to come before the guard's kill time, so this much is kept of a TTL. */
const KILL_SHARE_OF_TTL = 1 / 40;

/** When each part of a stop is over, on the node's clock. A kill time that comes nearer shortens them all. */
export interface StopTime {
  readonly preStopEnd: number;
  /** Whatever runs by then is killed: the main process, what it left, and hooks. */
  readonly programsEnd: number;
  readonly end: number;
}

export interface StopTimeOptions {
  readonly begun: number;
  readonly totalMs: number;
  readonly ttlMs: number;
  /** Whether there is a `stopped` hook. */
  readonly keepForStopped: boolean;
  /** When the guard kills everything; asked again each time. */
  readonly killAt: () => number;
}

/** Shares MSDHA_STOP_TIMEOUT out among the parts of a stop. */
export function shareStopTime({ begun, totalMs, ttlMs, keepForStopped, killAt }: StopTimeOptions): StopTime {
  const end = (): number => Math.min(begun + totalMs, killAt() - KILL_SHARE_OF_TTL * ttlMs);
  const part = (share: number): number => begun + share * Math.max(end() - begun, 0);
  return {
    get preStopEnd() {
      return part(PRE_STOP_SHARE);
    },
    get programsEnd() {
      return part(keepForStopped ? 1 - STOPPED_SHARE : 1);
    },
    get end() {
      return part(1);
    },
  };
}

/** A part of a stop that is under way. */
export interface StopPart extends Disposable {
  /** Aborts when the part is over. */
  readonly over: AbortSignal;
}

/**
 * Begins a part of a stop. It is over at `end`, which is asked again when the lease is lost, as the kill time comes
 * nearer then; and when one of `hurry` aborts.
 */
export function startPart(
  { clock, lease }: Pick<Node, "clock" | "lease">,
  end: () => number,
  hurry: readonly AbortSignal[],
): StopPart {
  const over = new AbortController();
  const done = new AbortController();
  const finish = (reason: unknown): void => over.abort(reason);
  const wait = (): void => {
    clock.sleep(Math.max(end() - clock.now(), 0), { signal: done.signal }).then(
      () => finish(new Error("its time is over")),
      () => {},
    );
  };
  for (const signal of hurry) {
    if (signal.aborted) finish(signal.reason);
    else signal.addEventListener("abort", () => finish(signal.reason), { once: true, signal: done.signal });
  }
  if (!lease.lost.aborted) lease.lost.addEventListener("abort", wait, { once: true, signal: done.signal });
  wait();
  return {
    over: over.signal,
    [Symbol.dispose]: () => done.abort(),
  };
}

/** Resolves with whether `work` resolved before the part was over. */
export async function within(part: StopPart, work: Promise<unknown>): Promise<boolean> {
  if (part.over.aborted) return false;
  const done = new AbortController();
  const over = new Promise<boolean>((resolve) => {
    part.over.addEventListener("abort", () => resolve(false), { once: true, signal: done.signal });
  });
  try {
    return await Promise.race([
      work.then(
        () => true,
        () => false,
      ),
      over,
    ]);
  } finally {
    done.abort();
  }
}
