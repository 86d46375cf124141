import type { Random, SimulatedMember } from "@msdha/etcd-simulated";
import { type Fault, type Group, someTime } from "./fault.ts";

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

/** etcd is down for a while and comes back with a state of some time ago. */
export const restoreSnapshot: Fault = (group, random) => {
  const { world } = group;
  const { store, members } = world.etcd;
  const snapshot = store.save();
  world.trace("etcd", () => `snapshot at ${store.revision}`);
  world.scheduler.after(someTime(group, random), () => {
    if (world.calm) return;
    for (const member of members) member.kill();
    world.trace("etcd", () => "down");
    world.scheduler.after(random.between(100, 3_000), () => {
      if (world.calm) return;
      world.trace("etcd", () => `restored to ${snapshot.store.revision}`);
      store.restore(snapshot);
      world.restored();
      for (const member of members) member.start();
    });
  });
};

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
