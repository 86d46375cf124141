import type { Clock } from "@msdha/clock";
import { createDriftingClock } from "./drifting-clock.ts";
import type { MachineTime, Timeline } from "./machine-time.ts";

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
  /** The time of its machine, where that can stand still. */
  readonly machine?: MachineTime;
  /** Asked before each step: how long the process freezes right there, in ms; 0 for not at all. */
  readonly freezeBefore?: (step: number) => number;
  readonly onFreeze?: (ms: number) => void;
}

/** Starts a process that runs by `time`. */
export function createProcess(time: Timeline, options: ProcessOptions): SimulatedProcess {
  return new Process(time, options);
}

/** Where a machine stood still, its time can be less by a rounding than what an event was planned for. */
const ROUNDING_MS = 1e-6;

class Process implements SimulatedProcess {
  readonly clock: Clock;
  readonly #time: Timeline;
  readonly #machine: MachineTime | undefined;
  readonly #freezeBefore: (step: number) => number;
  readonly #onFreeze: (ms: number) => void;
  readonly #forget: () => void;
  readonly #inbox: (() => void)[] = [];
  #outbox: (() => void)[] = [];
  #alive = true;
  #frozenUntil: number = Number.NEGATIVE_INFINITY;
  #thawedAt: number = Number.NEGATIVE_INFINITY;
  #steps = 0;

  constructor(time: Timeline, options: ProcessOptions) {
    const { rate, offset, machine, freezeBefore = () => 0, onFreeze = () => {} } = options;
    this.#time = time;
    this.#machine = machine;
    this.#freezeBefore = freezeBefore;
    this.#onFreeze = onFreeze;
    this.#forget = machine?.onResume(() => this.#wake()) ?? (() => {});
    this.clock = createDriftingClock(time, {
      rate,
      offset,
      deliver: (wake) => this.enter(wake),
      // Code that runs on after a freeze began within it does so after the thaw, and reads the time then.
      worldNow: () => Math.max(time.now, this.#frozenUntil),
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  get frozen(): boolean {
    return this.#time.now < this.#frozenUntil - ROUNDING_MS;
  }

  get frozenUntil(): number {
    return this.#frozenUntil;
  }

  get steps(): number {
    return this.#steps;
  }

  get thawedAt(): number {
    return this.#thawedAt;
  }

  get #still(): boolean {
    return this.frozen || this.#machine?.paused === true;
  }

  enter(act: () => void): void {
    if (!this.#alive) return;
    this.#step();
    if (!this.#still && this.#inbox.length === 0) act();
    else this.#inbox.push(act);
  }

  leave(act: () => void): void {
    if (!this.#alive) return;
    this.#step();
    if (this.#still) this.#outbox.push(act);
    else act();
  }

  ask<T>(request: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.leave(() => {
        request().then(
          (value) => this.enter(() => resolve(value)),
          (error: unknown) => this.enter(() => reject(error)),
        );
      });
    });
  }

  freeze(ms: number): void {
    if (!this.#alive) return;
    this.#onFreeze(ms);
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#time.now + ms);
    this.#time.at(this.#frozenUntil, () => this.#wake());
  }

  kill(): void {
    this.#alive = false;
    this.#forget();
    this.#outbox = [];
    this.#inbox.length = 0;
  }

  #step(): void {
    this.#steps += 1;
    const ms = this.#freezeBefore(this.#steps);
    if (ms > 0) this.freeze(ms);
  }

  #wake(): void {
    if (!this.#alive || this.#still) return;
    this.#thawedAt = this.#time.now;
    const out = this.#outbox;
    this.#outbox = [];
    for (const act of out) act();
    if (this.#inbox.length > 0) this.#time.after(0, () => this.#takeNext());
  }

  /** One at a time, so that all that follows from one happens before the next. */
  #takeNext(): void {
    if (!this.#alive || this.#still) return;
    this.#inbox.shift()?.();
    if (this.#inbox.length > 0) this.#time.after(0, () => this.#takeNext());
  }
}
