import type { Clock } from "@msdha/clock";
import type { ClockFacts } from "./check-clock.ts";

/** How etcd's clock is read, and this machine's. */
export interface Clocks {
  /** Resolves with the time of etcd's member in whole seconds, in ms since 1970; undefined where it does not say. */
  readonly ask: () => Promise<number | undefined>;
  readonly clock: Clock;
  readonly wallNow: () => number;
}

/** The moment in which the member's clock went on to another second. */
interface Tick {
  readonly member: number;
  readonly at: number;
  readonly wallAt: number;
  /** How long it may have been before `at`. */
  readonly blurMs: number;
}

const POLL_MS = 10;
const SPAN_MS = 3_000;
const PATIENCE_MS = 2_500;
/** A tick that was seen less exactly says nothing: the next one may do. */
const WORST_BLUR_MS = 40;

/**
 * Measures this machine's clock against that of a member of etcd, by the `Date` of its answers: two ticks of it that are three
 * seconds apart, each seen within some milliseconds. Resolves with undefined where it says no time. Takes four seconds, up to eight on a
 * busy machine.
 */
export async function measureClock(endpoint: string, clocks: Clocks): Promise<ClockFacts | undefined> {
  const first = await nextTick(clocks);
  if (!first) return undefined;
  await clocks.clock.sleep(SPAN_MS - 500);
  const last = await nextTick(clocks);
  if (!last) return undefined;
  const isExact = Math.max(first.blurMs, last.blurMs) <= WORST_BLUR_MS;
  const rate = (last.at - first.at) / (last.member - first.member);
  return { endpoint, rate: isExact ? rate : undefined, aheadMs: last.wallAt - last.member };
}

async function nextTick({ ask, clock, wallNow }: Clocks): Promise<Tick | undefined> {
  const until = clock.now() + PATIENCE_MS;
  let before: number | undefined;
  let tick: Tick | undefined;
  let asked = clock.now();
  while (clock.now() < until) {
    const beforeAsked = asked;
    asked = clock.now();
    const member = await ask().catch(() => undefined);
    if (member === undefined) return undefined;
    if (before !== undefined && member > before) {
      const at = clock.now();
      tick = { member, at, wallAt: wallNow(), blurMs: at - beforeAsked };
      if (tick.blurMs <= WORST_BLUR_MS) return tick;
    }
    before = member;
    await clock.sleep(POLL_MS);
  }
  return tick;
}
