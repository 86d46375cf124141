import type { SimulatedFrontend } from "../frontend/simulated-frontend.ts";
import type { Machine } from "../node/machine.ts";
import { type Fault, type Group, masterOrAny } from "./fault.ts";

/** One message is missing from the watches of a node, which go on (etcd 17529, 20655). */
export const swallowEvent: Fault = (group, random) => swallowOne(masterOrAny(group, random));

export const swallowEventOfFrontend: Fault = ({ frontends }, random) => swallowOne(random.pick(frontends));

/** Somebody takes the lock after it was deleted, and loses it again. Other nodes are told of neither. */
export const swallowTaking: Fault = (group, random) => {
  const { world, machines } = group;
  const { longestTtlMs } = world.scenario;
  const watchers = machines.filter(() => random.chance(0.7));
  world.trace("somebody", () => "deletes the lock, and again; what happens to it between is not told to all");
  deleteLock(group);
  world.scheduler.after(world.scenario.network.slowestMs, () => {
    for (const watcher of watchers) swallowLock(watcher, group);
  });
  world.scheduler.after(longestTtlMs * random.between(0.5, 1.9), () => deleteLock(group));
  world.scheduler.after(longestTtlMs * 2, () => {
    for (const { links } of watchers) for (const link of links) link.swallow(() => false);
  });
};

function deleteLock({ world }: Group): void {
  if (!world.calm) world.byHand(() => world.etcd.store.delete(world.keys.lock));
}

function swallowOne({ links }: Machine | SimulatedFrontend): void {
  for (const link of links) {
    let swallowed = false;
    link.swallow(({ events }) => {
      if (swallowed || events.length === 0) return false;
      swallowed = true;
      return true;
    });
  }
}

function swallowLock({ links }: Machine, { world }: Group): void {
  for (const link of links) link.swallow(({ events }) => events.some(({ kv }) => kv.key === world.keys.lock));
}
