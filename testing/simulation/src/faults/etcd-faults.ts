import type { Random, SimulatedMember } from "@msdha/etcd-simulated";
import { type Fault, type Group, masterOrAny, someTime } from "./fault.ts";
import { restoreLater } from "./restore-later.ts";

export const killMember: Fault = (group, random) =>
  harm(
    group,
    random,
    "killed",
    (member) => member.kill(),
    (member) => member.start(),
  );

export const freezeMember: Fault = (group, random) =>
  harm(
    group,
    random,
    "frozen",
    (member) => member.freeze(),
    (member) => member.thaw(),
  );

export const cutMemberOff: Fault = (group, random) =>
  harm(
    group,
    random,
    "cut off from the others",
    (member) => member.cutOff(),
    (member) => member.rejoin(),
  );

export const changeLeader: Fault = ({ world }) => {
  world.trace("etcd", () => "changes its leader");
  world.etcd.changeLeader();
};

/** The old leader goes on answering keepalives. */
export const staleLeader: Fault = (group, random) => {
  const staleMs = someTime(group, random);
  group.world.trace(
    "etcd",
    () => `the leader does not notice for ${Math.round(staleMs)} ms that it is none any more`,
  );
  group.world.etcd.changeLeader({ staleMs });
};

export const compact: Fault = ({ world }, random) => {
  const { store } = world.etcd;
  store.compact(store.revision - random.pick([0, 0, 3, 10]));
  world.facts.history.compacted();
  world.trace("etcd", () => `compacted at ${store.compacted}`);
};

export const restoreSnapshot: Fault = (group, random) => restoreLater(group, random);

function harm(
  group: Group,
  random: Random,
  what: string,
  begin: (member: SimulatedMember) => void,
  end: (member: SimulatedMember) => void,
): void {
  const { world } = group;
  const chosen = world.etcd.members.filter(() => random.chance(0.4));
  const targets = chosen.length > 0 ? chosen : [random.pick(world.etcd.members)];
  world.trace("etcd", () => `${targets.map(({ index }) => `m${index}`).join(" and ")} ${what}`);
  for (const member of targets) begin(member);
  world.scheduler.after(someTime(group, random), () => {
    for (const member of targets) end(member);
  });
}

/** The leader is deposed without noticing, and a node that reaches nobody else goes on asking it. */
export const captureByStaleLeader: Fault = (group, random) => {
  const { world } = group;
  const leader = world.etcd.members.find(({ leading }) => leading);
  const { links, scenario } = masterOrAny(group, random);
  if (!leader || links.length < 2) return;
  const staleMs = someTime(group, random);
  const others = links.filter((_, index) => index !== leader.index);
  world.trace("etcd", () => `the leader is deposed and keeps ${scenario.name} for ${Math.round(staleMs)} ms`);
  for (const link of others) link.cut({ requests: true, answers: true });
  world.etcd.changeLeader({ staleMs });
  world.scheduler.after(staleMs, () => {
    for (const link of others) link.heal();
  });
};
