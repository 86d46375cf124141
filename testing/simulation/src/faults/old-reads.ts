import { type Fault, masterOrAny, someTime } from "./fault.ts";

/**
 * The leader is deposed without noticing, keeps a node to itself, and answers what only reads with its old state (etcd
 * before 3.4.42, 3.5.28 and 3.6.9: issues 20418 and 21375).
 */
export const oldReads: Fault = (group, random) => {
  const { world } = group;
  const leader = world.etcd.members.find(({ leading }) => leading);
  const { links, scenario } = masterOrAny(group, random);
  if (!leader || links.length < 2) return;
  const staleMs = someTime(group, random);
  const others = links.filter((_, index) => index !== leader.index);
  world.trace("etcd", () => `m${leader.index} is deposed, keeps ${scenario.name} and answers old reads`);
  for (const link of others) link.cut({ requests: true, answers: true });
  world.etcd.answerOldReads(leader.index, true);
  world.etcd.changeLeader({ staleMs });
  world.scheduler.after(staleMs, () => {
    world.etcd.answerOldReads(leader.index, false);
    for (const link of others) link.heal();
  });
};
