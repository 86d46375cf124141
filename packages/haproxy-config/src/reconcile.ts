import { setTimeout as sleep } from "node:timers/promises";
import type { Slot, Step } from "./next-step.ts";
import type { RuntimeApi } from "./runtime-api.ts";

/** The passing of time as it is seen here; `@msdha/clock` has some that fit. */
export interface SwitcherClock {
  now(): number;
  sleep(ms: number, options: { readonly signal: AbortSignal }): Promise<void>;
}

export type Servers = Pick<RuntimeApi, "showServers" | "setServerAddress" | "setServerStates">;

/** What the callbacks throw becomes an uncaught exception. */
export interface ReconcilerOptions<Wanted> {
  readonly backend: string;
  /** The names of the servers that are led. */
  readonly slots: readonly string[];
  readonly initial: Wanted;
  /** The next step towards what is wanted, from what HAProxy shows. */
  readonly nextStep: (wanted: Wanted, slots: readonly Slot[], now: number) => Step;
  /** Whom a slot belongs to that is given an address. */
  readonly ownerOf: (wanted: Wanted, step: Step & { kind: "address" }) => string | undefined;
  readonly clock?: SwitcherClock | undefined;
  /** Called after each step that HAProxy carried out. */
  readonly onStep?: ((step: Step) => void) | undefined;
  /** Called when HAProxy is where it is wanted, for every wish that was not overtaken. */
  readonly onSettled?: ((wanted: Wanted) => void) | undefined;
  /** Called when a step failed; it is tried again until it succeeds or something else is wanted. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
}

/** Brings the servers of a backend to what is wanted. Disposing stops that and leaves HAProxy as it is. */
export interface Reconciler<Wanted> extends AsyncDisposable {
  /**
   * Sets what is wanted from now on; overtakes what was wanted before, also halfway. Resolves with true when HAProxy is
   * there, and with false when something else was wanted before it was, or the reconciler is disposed of. Never rejects.
   */
  want(wanted: Wanted): Promise<boolean>;
  /** Looks at HAProxy again, for one that was started anew. */
  replay(): void;
  /** Whether HAProxy is where it should be, as far as is known. */
  readonly settled: boolean;
}

const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 1_000;
const realClock: SwitcherClock = {
  now: () => performance.now(),
  sleep: (ms, { signal }) => sleep(ms, undefined, { signal }),
};

/**
 * Makes a reconciler, which does nothing until the first call of `want` or `replay`. What it wants is kept here and what is
 * so is read from HAProxy before every step, so it can go on from anywhere.
 */
export function createReconciler<Wanted>(
  api: Servers,
  options: ReconcilerOptions<Wanted>,
): Reconciler<Wanted> {
  const { backend, slots, nextStep, ownerOf, clock = realClock, onStep, onSettled, onTrouble } = options;
  const owners = new Map<string, string>();
  const drains = new Map<string, number>();
  const ended = new AbortController();
  let wanted = options.initial;
  let changed = new AbortController();
  let settled = true;
  let running: Promise<void> | undefined;
  /** Ends the wait of the last call of `want`. */
  let arrive = (_arrived: boolean): void => {};

  /** The rows of our slots and what is remembered of them; a drain whose beginning was not seen begins now. */
  async function look(): Promise<Slot[]> {
    const rows = await api.showServers(backend, { signal: ended.signal });
    return rows
      .filter(({ name }) => slots.includes(name))
      .map((row) => {
        if (row.state !== "drain") drains.delete(row.name);
        else if (!drains.has(row.name)) drains.set(row.name, clock.now());
        return { ...row, owner: owners.get(row.name), drainedAt: drains.get(row.name) };
      });
  }

  async function carryOut(step: Step, wish: Wanted, signal: AbortSignal): Promise<void> {
    switch (step.kind) {
      case "address": {
        owners.delete(step.slot);
        await api.setServerAddress(backend, step.slot, step.to, { signal: ended.signal });
        const owner = ownerOf(wish, step);
        if (owner !== undefined) owners.set(step.slot, owner);
        break;
      }
      case "states":
        await api.setServerStates(backend, step.changes, { signal: ended.signal });
        for (const { server, state } of step.changes) {
          if (state === "drain") drains.set(server, clock.now());
        }
        break;
      case "wait":
        return pause(step.ms, signal);
      case "done":
        return;
    }
    tell(onStep, step);
  }

  /** Ends early, without an error, when something else is wanted. */
  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    await clock.sleep(ms, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  async function reconcile(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!ended.signal.aborted) {
      const [wish, change] = [wanted, changed];
      try {
        const step = nextStep(wish, await look(), clock.now());
        if (change.signal.aborted) continue;
        if (step.kind === "done") {
          settled = true;
          arrive(true);
          tell(onSettled, wish);
          if (!change.signal.aborted) {
            running = undefined;
            return;
          }
        }
        await carryOut(step, wish, change.signal);
        retryMs = FIRST_RETRY_MS;
      } catch (error) {
        if (ended.signal.aborted) return;
        tell(onTrouble, error);
        await pause(retryMs, change.signal);
        retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
      }
    }
  }

  function start(): void {
    if (ended.signal.aborted) return;
    settled = false;
    changed.abort();
    changed = new AbortController();
    running ??= reconcile();
  }

  return {
    want(next) {
      wanted = next;
      arrive(false);
      const arrival = Promise.withResolvers<boolean>();
      arrive = arrival.resolve;
      start();
      if (ended.signal.aborted) arrive(false);
      return arrival.promise;
    },
    replay: start,
    get settled() {
      return settled;
    },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      changed.abort();
      arrive(false);
      await running;
    },
  };
}

/**
 * Calls a callback of the user. What it throws becomes an uncaught exception, as with the listener of an `EventTarget`: it is no
 * failure of HAProxy's, and what is led goes on.
 */
function tell<T>(callback: ((value: T) => void) | undefined, value: T): void {
  try {
    callback?.(value);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
