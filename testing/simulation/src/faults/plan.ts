import { createNamedRandom, type Random } from "@msdha/etcd-simulated";
import type { KnownFault } from "./all-faults.ts";
import type { Group } from "./fault.ts";

/**
 * Plans what happens to the group, and when. Each fault that is planned has a random stream of its own: what one draws,
 * now or when it comes, moves no other.
 */
export function planFaults(group: Group, known: readonly KnownFault[]): void {
  const { scenario, scheduler } = group.world;
  const random = createNamedRandom(scenario.seed, "faults");
  const favoured = known.filter(({ name }) => scenario.favoured.includes(name));
  for (let count = random.whole(0, 2 * scenario.faults); count > 0; count -= 1) {
    const own = random.fork();
    const at = own.between(0, scenario.faultsMs);
    const { name, fault } = favoured.length > 0 && own.chance(0.5) ? own.pick(favoured) : pick(own, known);
    group.world.planned.add(name);
    scheduler.at(at, () => {
      if (!group.world.calm) fault(group, own);
    });
  }
}

/** Picks one by the weights. */
function pick(random: Random, known: readonly KnownFault[]): KnownFault {
  let left = random.between(
    0,
    known.reduce((sum, { weight }) => sum + weight, 0),
  );
  for (const each of known) {
    left -= each.weight;
    if (left < 0) return each;
  }
  return random.pick(known);
}
