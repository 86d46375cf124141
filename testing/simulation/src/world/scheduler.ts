import { createEventHeap, type ScheduledEvent } from "./event-heap.ts";

/** The time of a simulated world, in ms, and everything that is to happen in it. */
export interface Scheduler {
  readonly now: number;
  /** How many events have happened. */
  readonly steps: number;
  at(time: number, act: () => void): Cancel;
  after(ms: number, act: () => void): Cancel;
  /**
   * Lets one event after the other happen, each with all that follows from it (promise callbacks), up to `until` or
   * until `stop` says so. `afterEach` is called after each one.
   */
  run(
    until: number,
    options: { readonly afterEach: () => void; readonly stop: () => boolean },
  ): Promise<void>;
}

/** Calls an event off; does nothing once it has happened. */
export type Cancel = () => void;

/** Real time plays no part: what happens next is decided by the order of the events alone. */
export function createScheduler(): Scheduler {
  const heap = createEventHeap();
  let now = 0;
  let steps = 0;
  let scheduled = 0;

  function at(time: number, act: () => void): Cancel {
    scheduled += 1;
    const event: ScheduledEvent = { at: Math.max(time, now), order: scheduled, act };
    if (Number.isFinite(time)) heap.push(event);
    return () => {
      event.act = undefined;
    };
  }

  return {
    get now() {
      return now;
    },
    get steps() {
      return steps;
    },
    at,
    after: (ms, act) => at(now + ms, act),
    async run(until, { afterEach, stop }) {
      let happened = false;

      /** Lets the next event happen, if there is one. */
      function takeNext(): boolean {
        for (let next = heap.peek(); next && next.at <= until && !stop(); next = heap.peek()) {
          heap.pop();
          const { act } = next;
          if (!act) continue;
          now = next.at;
          next.act = undefined;
          steps += 1;
          act();
          return true;
        }
        return false;
      }

      await repeat(() => {
        if (happened) afterEach();
        happened = takeNext();
        return happened;
      });
      if (!stop()) now = Math.max(now, until);
    },
  };
}

/** How many immediates are put in line at a time: going round Node's event loop for each would cost more than most events. */
const PORTION = 64;

/**
 * Calls `turn` again and again until it says that it is done. Between one immediate and the next Node runs every
 * promise callback that is ready.
 */
function repeat(turn: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let waiting: NodeJS.Immediate[] = [];

    function end(settle: () => void): void {
      for (const each of waiting) clearImmediate(each);
      settle();
    }

    function take(): void {
      try {
        if (!turn()) end(resolve);
      } catch (error) {
        end(() => reject(error));
      }
    }

    function refill(): void {
      waiting = Array.from({ length: PORTION }, () => setImmediate(take));
      waiting.push(setImmediate(refill));
    }

    refill();
  });
}
