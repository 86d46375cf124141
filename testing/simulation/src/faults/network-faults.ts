import type { Random } from "@msdha/etcd-simulated";
import type { Link } from "../world/network.ts";
import { type Fault, type Group, masterOrAny, someTime } from "./fault.ts";

/** Between a node and some or all members, in one direction or both. */
export const partition: Fault = (group, random) => {
  const { links, scenario } = masterOrAny(group, random);
  const directions = random.pick([
    { requests: true, answers: true },
    { requests: true, answers: false },
    { requests: false, answers: true },
  ]);
  group.world.trace(scenario.name, () => `cut off from etcd: ${JSON.stringify(directions)}`);
  forAWhile(group, random, random.chance(0.7) ? links : [random.pick(links)], (link) => link.cut(directions));
};

export const partitionFrontend: Fault = (group, random) => {
  const { links } = random.pick(group.frontends);
  forAWhile(group, random, links, (link) => link.cut({ requests: random.chance(0.7), answers: true }));
};

/** A node goes on asking and being answered, but is not told what happens. */
export const silenceWatches: Fault = (group, random) => {
  const { links, scenario } = random.pick(group.machines);
  group.world.trace(scenario.name, () => "its watches fall silent");
  forAWhile(group, random, links, (link) => link.silenceWatches());
};

/** Everybody loses sight of etcd at once. */
export const partitionAll: Fault = (group, random) => {
  const links = [...group.machines, ...group.frontends].flatMap((each) => each.links);
  group.world.trace("network", () => "nobody reaches etcd");
  forAWhile(group, random, links, (link) => link.cut({ requests: true, answers: true }));
};

export const slowNetwork: Fault = (group, random) => {
  const { links, scenario } = masterOrAny(group, random);
  const ms = someTime(group, random) / 2;
  group.world.trace(scenario.name, () => `messages take up to ${Math.round(ms)} ms more`);
  forAWhile(group, random, links, (link) => link.slow(ms));
};

export const lossyNetwork: Fault = (group, random) => {
  const { links, scenario } = masterOrAny(group, random);
  const share = random.between(0.1, 0.7);
  group.world.trace(scenario.name, () => `loses ${Math.round(share * 100)} % of its messages`);
  forAWhile(group, random, links, (link) => link.lose(share));
};

function forAWhile(group: Group, random: Random, links: readonly Link[], act: (link: Link) => void): void {
  for (const link of links) act(link);
  group.world.scheduler.after(someTime(group, random), () => {
    for (const link of links) link.heal();
  });
}
