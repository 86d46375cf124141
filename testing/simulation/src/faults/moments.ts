import { type Change, createNamedRandom, type Random } from "@msdha/etcd-simulated";
import type { RunFacts } from "../facts/facts.ts";
import { type Group, someTime } from "./fault.ts";
import { restoreLater } from "./restore-later.ts";

const LATEST_STEP = 14;

/**
 * Waits for the moments between which the promise is made: when the lock is taken, when a master is published, when
 * its key or its lock goes. Freezes the node within a few steps of them, or takes the snapshot of etcd right there to
 * which it goes back later.
 */
export function watchForMoments(group: Group): void {
  const { world } = group;
  const random = createNamedRandom(world.scenario.seed, "moments");
  const { freeze, snapshot } = world.scenario.moments;
  world.onMoment = (run, change) => {
    if (world.calm) return;
    if (random.chance(freeze)) freezeSoon(group, run, random);
    if (handsOver(change) && random.chance(snapshot)) restoreLater(group, random);
  };
}

function freezeSoon(group: Group, run: RunFacts, random: Random): void {
  const machine = group.machines.find((each) => each.run === run);
  machine?.freezeAtStep(random.whole(1, LATEST_STEP), someTime(group, random));
}

function handsOver({ events }: Change): boolean {
  return events.some(({ type, kv }) => type === "PUT" && kv.key.endsWith("/_handover"));
}
