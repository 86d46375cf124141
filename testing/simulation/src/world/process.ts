import type { Clock } from "@msdha/clock";
import { createDriftingClock } from "./drifting-clock.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * A process with an event loop, of which the simulated code is one. Whatever it waits for comes in through `enter`,
 * and whatever it does to the world goes out through `leave`: between any two of these it can be frozen.
 */
export interface SimulatedProcess {
  /** Its machine's clock, as the process sees it: it wakes nobody while the process is frozen. */
  readonly clock: Clock;
  readonly alive: boolean;
  readonly frozen: boolean;
  /** When the present or the last freeze ends. */
  readonly frozenUntil: number;
  /** How often something came in or went out. */
  readonly steps: number;
  /** When it last woke from a freeze, in the world's time. */
  readonly thawedAt: number;
  /** Lets something in: now, or after the thaw, in the order of arrival. Nothing comes to a dead one. */
  enter(act: () => void): void;
  /** Lets something out: now, or at the thaw. Nothing leaves a dead one. */
  leave(act: () => void): void;
  /** Sends a request that goes out and whose answer comes back in. */
  ask<T>(request: () => Promise<T>): Promise<T>;
  /** A freeze can't be cut short: code that it met on its way may have read the time after it already. */
  freeze(ms: number): void;
  kill(): void;
}

export interface ProcessOptions {
  readonly rate: number;
  readonly offset: number;
  /** Asked before each step: how long the process freezes right there, in ms; 0 for not at all. */
  readonly freezeBefore?: (step: number) => number;
  readonly onFreeze?: (ms: number) => void;
}

export function createProcess(scheduler: Scheduler, options: ProcessOptions): SimulatedProcess {
  const { rate, offset, freezeBefore = () => 0, onFreeze = () => {} } = options;
  let alive = true;
  let frozenUntil = Number.NEGATIVE_INFINITY;
  let thawedAt = Number.NEGATIVE_INFINITY;
  let steps = 0;
  let outbox: (() => void)[] = [];
  const inbox: (() => void)[] = [];

  const frozen = (): boolean => scheduler.now < frozenUntil;

  function step(): void {
    steps += 1;
    const ms = freezeBefore(steps);
    if (ms > 0) freeze(ms);
  }

  function enter(act: () => void): void {
    if (!alive) return;
    step();
    if (!frozen() && inbox.length === 0) act();
    else inbox.push(act);
  }

  function leave(act: () => void): void {
    if (!alive) return;
    step();
    if (frozen()) outbox.push(act);
    else act();
  }

  function freeze(ms: number): void {
    if (!alive) return;
    onFreeze(ms);
    frozenUntil = Math.max(frozenUntil, scheduler.now + ms);
    scheduler.at(frozenUntil, wake);
  }

  function wake(): void {
    if (!alive || frozen()) return;
    thawedAt = scheduler.now;
    const out = outbox;
    outbox = [];
    for (const act of out) act();
    if (inbox.length > 0) scheduler.after(0, takeNext);
  }

  /** One at a time, so that all that follows from one happens before the next. */
  function takeNext(): void {
    if (!alive || frozen()) return;
    inbox.shift()?.();
    if (inbox.length > 0) scheduler.after(0, takeNext);
  }

  function ask<T>(request: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      leave(() => {
        request().then(
          (value) => enter(() => resolve(value)),
          (error: unknown) => enter(() => reject(error)),
        );
      });
    });
  }

  return {
    clock: createDriftingClock(scheduler, {
      rate,
      offset,
      deliver: enter,
      // Code that runs on after a freeze began within it does so after the thaw, and reads the time then.
      worldNow: () => Math.max(scheduler.now, frozenUntil),
    }),
    get alive() {
      return alive;
    },
    get frozen() {
      return frozen();
    },
    get frozenUntil() {
      return frozenUntil;
    },
    get steps() {
      return steps;
    },
    get thawedAt() {
      return thawedAt;
    },
    enter,
    leave,
    ask,
    freeze,
    kill() {
      alive = false;
      outbox = [];
      inbox.length = 0;
    },
  };
}
