import { nextPoolStep } from "./next-pool-step.ts";
import { createReconciler, type Reconciler, type Servers } from "./reconcile.ts";
import { poolNames } from "./render-config.ts";
import type { ServerAddress } from "./runtime-api.ts";
import type { SwitcherOptions } from "./switcher.ts";
import { timerMs } from "./values.ts";

export type PoolOptions = Pick<SwitcherOptions, "drainMs" | "clock" | "onStep" | "onTrouble">;

/** Spreads connections over the servers that are wanted. */
export type Pool = Reconciler<readonly ServerAddress[]>;

/** Leads the slots that `renderConfig` lays out for `pool`. Begins with no server: connections wait. */
export function createPool(api: Servers, { drainMs, clock, onStep, onTrouble }: PoolOptions): Pool {
  timerMs("drainMs", drainMs);
  return createReconciler<readonly ServerAddress[]>(api, {
    backend: poolNames.backend,
    slots: poolNames.slots,
    initial: [],
    nextStep: (wanted, slots, now) => nextPoolStep(wanted, slots, now, drainMs),
    ownerOf: () => undefined,
    clock,
    onStep,
    onTrouble,
  });
}
