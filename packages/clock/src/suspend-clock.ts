/** A larger step than this between two looks is a leap: `/proc/uptime` is cut to hundredths of a second. */
const LEAP_MS = 50;
/** How often the kernel may be asked, which takes some milliseconds. */
const ASK_EVERY_MS = 1_000;
/** How often leaps that are not counted are reported, except larger ones: an uptime that stands still leaps back at every look. */
const TELL_EVERY_MS = 10_000;
/** A look that was interrupted shows too little; of this many in a row one was not. */
const LOOKS = 3;
/** How far the kernel's word may be behind. */
const TICK_MS = 10;

/** The machine's clocks, in milliseconds. */
export interface MachineTime {
  /** The kernel's clock that stands still while the machine is suspended, from anywhere on. */
  readonly monotonic: () => number;
  /** Since the machine was started, the time that it was suspended for included: what somebody says, not the kernel alone. */
  readonly uptime: () => number;
  /** The same by the kernel's own word, at most 10 ms behind; undefined if it can't be had. Takes some milliseconds. */
  readonly bootTime: () => number | undefined;
  /** Both of the kernel's clocks at the start of the process: `boot` not later than `monotonic`. */
  readonly start: () => { readonly boot: number; readonly monotonic: number } | undefined;
}

/** One source of time went on by `ms` more than the monotonic clock, or by less. */
export interface Leap {
  readonly ms: number;
  /** How much of it the clock takes for a suspend: what the kernel confirms. */
  readonly counted: number;
}

export interface SuspendClock {
  now(): number;
  onLeap(listener: (leap: Leap) => void): void;
}

/**
 * Makes a clock that is the monotonic one plus the time spent suspended. It begins at what the uptime says, which may be
 * anything: only differences mean something. It never goes back, and never counts a suspend that the kernel does not
 * confirm. Without `onLeap`, which asks the kernel once, the first leap may count for as long as the process took to start.
 */
export function createSuspendClock({ monotonic, uptime, bootTime, start }: MachineTime): SuspendClock {
  let listener: (leap: Leap) => void = () => {};
  /** What the uptime is ahead of the monotonic clock, as last seen. */
  let hinted = lookBest();
  let offset = hinted;
  /** By how much the kernel's clocks differ at most, as far as it was asked. */
  let confirmed: number | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let reported = { at: Number.NEGATIVE_INFINITY, ms: 0 };

  /** The uptime first: who is interrupted between the two finds less than there was, never more. */
  function look(): number {
    const boot = uptime();
    return boot - monotonic();
  }

  function lookBest(): number {
    let best = Number.NEGATIVE_INFINITY;
    for (let n = 0; n < LOOKS; n++) best = Math.max(best, look());
    return Number.isFinite(best) ? best : 0;
  }

  function takeHint(): void {
    let seen = look();
    if (seen < hinted - LEAP_MS) seen = lookBest();
    const step = seen - hinted;
    if (Math.abs(step) <= LEAP_MS || !Number.isFinite(step)) return;
    const at = monotonic();
    if (step > 0 && at - askedAt < ASK_EVERY_MS) return; // looked at again then
    if (step > 0) askedAt = at;
    const confirmedMs = step > 0 ? Math.min(step, confirmSuspend()) : 0;
    const counted = confirmedMs > LEAP_MS ? confirmedMs : 0;
    hinted = seen;
    offset += counted;
    const isRepeated = at - reported.at < TELL_EVERY_MS && Math.abs(step) <= 2 * reported.ms;
    if (counted === 0 && isRepeated) return;
    reported = { at, ms: Math.abs(step) };
    listener({ ms: step, counted });
  }

  /** How much longer the machine has been suspended, by the kernel's word, than when it was last asked; never too much. */
  function confirmSuspend(): number {
    const began = start();
    const before = confirmed ?? (began === undefined ? undefined : began.boot - began.monotonic);
    const from = monotonic();
    const boot = bootTime();
    if (boot === undefined) return 0;
    confirmed = boot + TICK_MS - from;
    return before === undefined ? 0 : boot - monotonic() - before;
  }

  return {
    now() {
      takeHint();
      return monotonic() + offset;
    },
    onLeap(wanted) {
      listener = wanted;
      if (confirmed === undefined) confirmSuspend();
    },
  };
}
