import { nextStep, type Route, type Step } from "./next-step.ts";
import { createReconciler, type Servers, type SwitcherClock } from "./reconcile.ts";
import { names } from "./render-config.ts";
import { sectionName, timerMs } from "./values.ts";

/**
 * What `onStep`, `onSettled` or `onTrouble` throws becomes an uncaught exception, which ends the process unless that handles it, as
 * with the listener of an `EventTarget`. The switcher's own work goes on as if nothing had been thrown.
 */
export interface SwitcherOptions {
  /**
   * How long a slot drains before its sessions are cut, in ms. Give it `timeout connect` and some more: what is
   * still connecting then has gone back to waiting, and is not cut.
   */
  readonly drainMs: number;
  /** The backend whose slots these are. Default: the one of `renderConfig`'s first port. */
  readonly backend?: string;
  /** The names of its servers to switch between, two or more. Default: those of `renderConfig`. */
  readonly slots?: readonly string[];
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
  /**
   * Sets where connections are to go from now on; overtakes an earlier route, also halfway. Resolves with true when
   * HAProxy is there, which a drain is part of, and with false when another route came first or the switcher is disposed
   * of. Never throws or rejects: while HAProxy can't be reached, it goes on trying.
   */
  route(route: Route): Promise<boolean>;
  /** Looks at HAProxy again, for one that was started anew, and brings it to the route that is wanted. */
  replay(): void;
  /** Whether HAProxy is where it should be, as far as is known. */
  readonly settled: boolean;
}

/**
 * Switches between the two slots that `renderConfig` lays out for a port, or between servers of a configuration of your
 * own, which should begin `disabled`. Other servers of the backend stay as they are. Begins with the route `none`, and
 * does nothing until the first call of `route` or `replay`. What it wants is kept here and what is so is read from
 * HAProxy before every step, so it can go on from anywhere. Throws a `TypeError` for names that HAProxy
 * can't have, and for a time that no timer can wait for.
 */
export function createSwitcher(api: Servers, options: SwitcherOptions): Switcher {
  const {
    drainMs,
    backend = names.backend,
    slots = names.slots,
    clock,
    onStep,
    onSettled,
    onTrouble,
  } = options;
  timerMs("drainMs", drainMs);
  if (new Set(slots).size < 2) {
    throw new TypeError(`slots: expected two names or more, got ${JSON.stringify(slots)}`);
  }
  const reconciler = createReconciler<Route>(api, {
    backend: sectionName("backend", backend),
    slots: slots.map((slot) => sectionName("slots", slot)),
    initial: { kind: "none" },
    nextStep: (route, slots, now) => nextStep(route, slots, now, drainMs),
    ownerOf: (route) => (route.kind === "serve" ? route.owner : undefined),
    clock,
    onStep,
    onSettled,
    onTrouble,
  });
  return {
    route: reconciler.want,
    replay: reconciler.replay,
    get settled() {
      return reconciler.settled;
    },
    [Symbol.asyncDispose]: () => reconciler[Symbol.asyncDispose](),
  };
}
