import { type Fault, masterOrAny, someTime } from "./fault.ts";

/**
 * One of a node's endpoints leads to a member of another cluster for a while, as when two projects on one network call
 * theirs the same.
 */
export const foreignMember: Fault = (group, random) => {
  const { links, scenario } = masterOrAny(group, random);
  const index = random.whole(0, links.length - 1);
  if (links.length < 2) return;
  group.world.trace(scenario.name, () => `its endpoint m${index} leads to another cluster`);
  links[index]?.lead("astray");
  group.world.scheduler.after(someTime(group, random), () => links[index]?.lead("home"));
};
