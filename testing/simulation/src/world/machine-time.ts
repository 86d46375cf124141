import type { Cancel, Scheduler } from "./scheduler.ts";

/** When things happen, in ms of a time of its own. */
export type Timeline = Pick<Scheduler, "now" | "at" | "after">;

/** The time of one machine, which stands still while the machine does: a paused virtual machine. */
export interface MachineTime extends Timeline {
  readonly paused: boolean;
  /** For how long it has stood still so far, ms of the world. */
  readonly lostMs: number;
  /** When the present or the last pause ends, in the world's time. */
  readonly pausedUntil: number;
  /** Stands still for so many ms of the world from now on. */
  pause(ms: number): void;
  /** Calls back whenever it goes on, before anything else happens on the machine. Returns what takes that back. */
  onResume(listener: () => void): () => void;
}

/** Less than what clocks add so that no sleeper wakes too early. */
const ROUNDING_MS = 1e-7;

/** Makes a time that is the world's until the first pause. Nothing that is planned on it happens during one. */
export function createMachineTime(world: Timeline): MachineTime {
  const listeners = new Set<() => void>();
  let lostMs = 0;
  let pausedAt: number | undefined;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let due: (() => void)[] = [];

  const now = (): number => (pausedAt ?? world.now) - lostMs;

  function at(time: number, act: () => void): Cancel {
    let cancel: Cancel = () => {};
    let cancelled = false;
    const plan = (): void => {
      if (!cancelled) cancel = world.at(time + lostMs, fire);
    };
    const fire = (): void => {
      if (cancelled) return;
      if (pausedAt !== undefined) due.push(plan);
      else if (now() < time - ROUNDING_MS) plan();
      else act();
    };
    plan();
    return () => {
      cancelled = true;
      cancel();
    };
  }

  function pause(ms: number): void {
    pausedAt ??= world.now;
    pausedUntil = Math.max(pausedUntil, world.now + ms);
    world.at(pausedUntil, resume);
  }

  function resume(): void {
    if (pausedAt === undefined || world.now < pausedUntil) return;
    lostMs += world.now - pausedAt;
    pausedAt = undefined;
    const again = due;
    due = [];
    for (const plan of again) plan();
    for (const listener of [...listeners]) listener();
  }

  return {
    get now() {
      return now();
    },
    at,
    after: (ms, act) => at(now() + ms, act),
    get paused() {
      return pausedAt !== undefined;
    },
    get lostMs() {
      return pausedAt === undefined ? lostMs : lostMs + world.now - pausedAt;
    },
    get pausedUntil() {
      return pausedUntil;
    },
    pause,
    onResume(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
