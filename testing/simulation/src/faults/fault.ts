import type { Random } from "@msdha/etcd-simulated";
import type { SimulatedFrontend } from "../frontend/simulated-frontend.ts";
import type { Machine } from "../node/machine.ts";
import type { World } from "../world/world.ts";

/** What a fault can be done to. */
export interface Group {
  readonly world: World;
  readonly machines: readonly Machine[];
  readonly frontends: readonly SimulatedFrontend[];
}

/** Does some harm, now and maybe for a while. */
export type Fault = (group: Group, random: Random) => void;

/** The machine of the run that holds the lock, or else any. */
export function masterOrAny({ world, machines }: Group, random: Random): Machine {
  const holder = world.facts.group.lock?.run;
  const machine = machines.find(({ run }) => run !== undefined && run === holder);
  return machine && random.chance(0.7) ? machine : random.pick(machines);
}

/** Lengths of time round which something changes. */
export function someTime({ world }: Group, random: Random): number {
  return (
    world.scenario.longestTtlMs * random.pick([0.1, 0.5, 1, 1.5, 1.75, 2, 2.5, 4]) * random.between(0.9, 1.1)
  );
}
