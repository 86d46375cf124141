import type { Clock } from "@msdha/clock";

const LOOK_MS = 1_000;
/** Less is how the clock is kept right. */
const JUMP_MS = 500;

export interface WallClockOptions {
  /** The clock that nobody sets. */
  readonly clock: Clock;
  /** Called with how far the wall clock went ahead of the other one since the last look. */
  readonly onJump: (ms: number) => void;
  readonly wallNow?: () => number;
}

/**
 * Watches for a wall clock that jumps forward against the boot-time clock. That means nothing by itself: somebody set
 * it. But where a virtual machine was paused, all its other clocks stood still, and setting the wall clock is the first
 * that anybody does about it; so it is a reason to ask etcd at once what has become of us.
 */
export function watchWallClock({ clock, onJump, wallNow = Date.now }: WallClockOptions): Disposable {
  const done = new AbortController();

  async function watch(): Promise<void> {
    let ahead = wallNow() - clock.now();
    for (;;) {
      await clock.sleep(LOOK_MS, { signal: done.signal });
      const now = wallNow() - clock.now();
      if (now - ahead > JUMP_MS) onJump(Math.round(now - ahead));
      ahead = now;
    }
  }

  watch().catch(() => {});
  return { [Symbol.dispose]: () => done.abort() };
}
