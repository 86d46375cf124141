import { nextStep, type Route, type Step } from "./next-step.ts";
import { createReconciler, type Servers, type SwitcherClock } from "./reconcile.ts";
import { names } from "./render-config.ts";

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

/**
 * Switches between the two slots that `renderConfig` lays out for a port. Begins with the route `none`, and does nothing until
 * the first call of `route` or `replay`. What it wants is kept here and what is so is read from HAProxy before every
 * step, so it can go on from anywhere.
 */
export function createSwitcher(api: Servers, options: SwitcherOptions): Switcher {
  const { drainMs, backend = names.backend, clock, onStep, onSettled, onTrouble } = options;
  const reconciler = createReconciler<Route>(api, {
    backend,
    slots: names.slots,
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
