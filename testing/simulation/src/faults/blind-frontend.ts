import { type Fault, masterOrAny } from "./fault.ts";

/** A frontend does not reach etcd for long; meanwhile the master moves, and its former node comes back. */
export const blindFrontend: Fault = (group, random) => {
  const { world } = group;
  const { longestTtlMs } = world.scenario;
  const { name, links } = random.pick(group.frontends);
  world.trace(name, () => "does not reach etcd for long");
  for (const link of links) link.cut({ requests: true, answers: true });
  world.scheduler.after(random.between(0, longestTtlMs), () => {
    if (!world.calm) masterOrAny(group, random).kill("container");
  });
  world.scheduler.after(longestTtlMs * random.between(4, 13), () => {
    for (const link of links) link.heal();
  });
};
