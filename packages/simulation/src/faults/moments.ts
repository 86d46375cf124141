import { createRandom } from "@msdha/etcd-simulated";
import { type Group, someTime } from "./fault.ts";

/** How often a moment that matters is met with a freeze right after it. */
const CHANCE = 0.15;
const LATEST_STEP = 14;

/**
 * Freezes a node within a few steps of the moments between which the promise is made: when it takes the lock, when it
 * is published, when its key or its lock goes.
 */
export function watchForMoments(group: Group): void {
  const { world, machines } = group;
  const random = createRandom(world.scenario.seed ^ 0xf4ee2e);
  if (random.chance(0.5)) return;
  world.onMoment = (run) => {
    if (world.calm || !random.chance(CHANCE)) return;
    const machine = machines.find((each) => each.run === run);
    machine?.freezeAtStep(random.whole(1, LATEST_STEP), someTime(group, random));
  };
}
