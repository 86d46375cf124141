import type { Random } from "@msdha/etcd-simulated";
import { type AskKind, type AskText, writeAsk } from "@msdha/group";
import type { World } from "../world/world.ts";
import { type Fault, type Group, masterOrAny, someTime } from "./fault.ts";

/** Someone keeps every node from taking the lock, for a while or until it is taken back. */
export const pauseGroup: Fault = (group, random) => {
  ask(group.world, "pause", undefined, { until: someEnd(group, random) });
};

/** The same, of one node. */
export const holdNode: Fault = (group, random) => {
  const { name } = masterOrAny(group, random).scenario;
  ask(group.world, "hold", name, { until: someEnd(group, random) });
};

/** Someone takes back what was asked for. */
export const takeAsksBack: Fault = ({ world }) => {
  for (const key of world.facts.group.asks.keys()) {
    world.trace("operator", () => `takes back ${key}`);
    world.byHand(() => world.etcd.store.delete(key));
  }
};

/** Mostly for the lock that there is; sometimes for one that is gone, or is still to come. */
export const askSwitchover: Fault = ({ world, machines }, random) => {
  const token = (world.facts.group.lock?.token ?? 0) + random.pick([0, 0, 0, -1, 1]);
  const to = random.pick([undefined, random.pick(machines).scenario.name]);
  ask(world, "switchover", undefined, { token, to });
};

/** Mostly for a run that there is. */
export const askRestart: Fault = (group, random) => {
  const machine = masterOrAny(group, random);
  const run = random.pick([machine.run, machine.run, random.pick(group.machines).run]);
  if (run) ask(group.world, "restart", machine.scenario.name, { run: run.id });
};

/** Mostly for the run and the last master that there are; sometimes for others. */
export const orderPromotion: Fault = (group, random) => {
  const machine = random.pick(group.machines);
  const newest = Math.max(0, ...group.world.facts.group.terms.keys());
  const run = random.pick([machine.run, machine.run, random.pick(group.machines).run]);
  const token = random.pick([newest, newest, newest, newest - 1]);
  if (run) ask(group.world, "promote", machine.scenario.name, { run: run.id, token });
};

function ask(world: World, kind: AskKind, node: string | undefined, what: Partial<AskText>): void {
  const text = writeAsk({ by: "operator", why: "", at: world.scheduler.now, ...what });
  world.trace("operator", () => `asks for ${kind} ${node ?? ""} ${text}`);
  world.byHand(() => world.etcd.store.put(world.keys.ask(kind, node), text));
}

function someEnd(group: Group, random: Random): number | undefined {
  return random.chance(0.7) ? group.world.scheduler.now + someTime(group, random) : undefined;
}
