import { setTimeout as sleep } from "node:timers/promises";
import { nextStep, type Route, type Slot, type Step } from "./next-step.ts";
import { names } from "./render-config.ts";
import type { RuntimeApi } from "./runtime-api.ts";

/** The passing of time as the switcher sees it; `@msdha/clock` has some that fit. */
export interface SwitcherClock {
  now(): number;
  sleep(ms: number, options: { readonly signal: AbortSignal }): Promise<void>;
}

export interface SwitcherOptions {
  /**
   * How long a slot drains before its sessions are cut, in ms. Give it `timeout connect` and some more: what is
   * still connecting then has gone back to waiting, and is not cut.
   */
  readonly drainMs: number;
  /** The backend whose slots these are; default: the one of the first port. */
  readonly backend?: string;
  readonly clock?: SwitcherClock;
  /** Called after each step that HAProxy carried out. */
  readonly onStep?: (step: Step) => void;
  /** Called when HAProxy is where `route` wants it, for every call of `route` and `replay` that was not overtaken. */
  readonly onSettled?: (route: Route) => void;
  /** Called when a step failed; it is tried again until it succeeds or the route changes. */
  readonly onTrouble?: (error: unknown) => void;
}

/** Brings HAProxy to the last route. Disposing stops that and leaves HAProxy as it is. */
export interface Switcher extends AsyncDisposable {
  /** Sets where connections are to go from now on; overtakes what was wanted before, also halfway. Never throws. */
  route(route: Route): void;
  /** Looks at HAProxy again, for one that was started anew, and brings it to the route that is wanted. */
  replay(): void;
  /** Whether HAProxy is where it should be, as far as is known. */
  readonly settled: boolean;
}

type Servers = Pick<RuntimeApi, "showServers" | "setServerAddress" | "setServerStates">;

const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 1_000;
const realClock: SwitcherClock = {
  now: () => performance.now(),
  sleep: (ms, { signal }) => sleep(ms, undefined, { signal }),
};

/**
 * Switches between the two slots that `renderConfig` lays out for a port. Begins with the route `none`, and does nothing until
 * the first call of `route` or `replay`. What it wants is kept here and what is so is read from HAProxy before every
 * step, so it can go on from anywhere.
 */
export function createSwitcher(api: Servers, options: SwitcherOptions): Switcher {
  const { drainMs, backend = names.backend, clock = realClock } = options;
  const { onStep, onSettled, onTrouble } = options;
  const owners = new Map<string, string>();
  const drains = new Map<string, number>();
  const ended = new AbortController();
  let wanted: Route = { kind: "none" };
  let changed = new AbortController();
  let settled = true;
  let running: Promise<void> | undefined;

  /** The rows of our slots and what is remembered of them; a drain whose beginning was not seen begins now. */
  async function look(): Promise<Slot[]> {
    const rows = await api.showServers(backend, { signal: ended.signal });
    return rows
      .filter(({ name }) => (names.slots as readonly string[]).includes(name))
      .map((row) => {
        if (row.state !== "drain") drains.delete(row.name);
        else if (!drains.has(row.name)) drains.set(row.name, clock.now());
        return { ...row, owner: owners.get(row.name), drainedAt: drains.get(row.name) };
      });
  }

  async function carryOut(step: Step, route: Route, signal: AbortSignal): Promise<void> {
    switch (step.kind) {
      case "address":
        owners.delete(step.slot);
        await api.setServerAddress(backend, step.slot, step.to, { signal: ended.signal });
        if (route.kind === "serve") owners.set(step.slot, route.owner);
        break;
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
    onStep?.(step);
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
      const [route, change] = [wanted, changed];
      try {
        const step = nextStep(route, await look(), clock.now(), drainMs);
        if (change.signal.aborted) continue;
        if (step.kind === "done") {
          settled = true;
          onSettled?.(route);
          if (!change.signal.aborted) {
            running = undefined;
            return;
          }
        }
        await carryOut(step, route, change.signal);
        retryMs = FIRST_RETRY_MS;
      } catch (error) {
        if (ended.signal.aborted) return;
        onTrouble?.(error);
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
    route: (route) => {
      wanted = route;
      start();
    },
    replay: start,
    get settled() {
      return settled;
    },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      changed.abort();
      await running;
    },
  };
}
