import type { Clock } from "@msdha/clock";

const LOOK_MS = 1_000;
/** Less is how the clock is kept right. */
const JUMP_MS = 500;

export interface WallClockOptions {
  /** The boot-time clock, which can't be set. */
  readonly clock: Clock;
  /** Called with how far the wall clock went ahead of the other one since the last look. */
  readonly onJump: (ms: number) => void;
  readonly wallNow?: () => number;
}

/**
 * Watches for a wall clock that jumps forward against the boot-time clock. A jump alone proves nothing:
 * the clock may have been set by hand. But after a pause of a virtual machine, whose other clocks stood still, the wall
 * clock is the first that is corrected. So a jump is a reason to read from etcd at once whether the lock is still ours.
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
