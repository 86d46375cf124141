import type { Random } from "@msdha/etcd-simulated";
import { misleads } from "../facts/apply-restore.ts";
import type { RunFacts } from "../facts/facts.ts";
import type { Machine } from "../node/machine.ts";
import { type Group, someTime } from "./fault.ts";

/** How far beyond all that there were revisions go on. */
const BUMP = 1_000;

/** Takes a snapshot now; later etcd is down for a while and comes back with it. */
export function restoreLater(group: Group, random: Random): void {
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
      const bumpBy = world.scenario.bumps ? BUMP + store.revision - snapshot.store.revision : 0;
      world.trace("etcd", () => `restored to ${snapshot.store.revision}${bumpBy > 0 ? ", bumped" : ""}`);
      const deaf = findDeaf(group, snapshot.store.revision);
      store.restore(snapshot, { bumpBy });
      world.restored();
      if (misleads(world.facts)) for (const machine of deaf) machine.kill("container");
      for (const member of members) member.start();
    });
  });
}

/**
 * Who starts after a restore, or had been told nothing since the snapshot, can't know that a hand-over which came back
 * with it is not true, or that there was a longer TTL: that is not promised. So nobody starts while the snapshot misleads
 * (see `Machine.start`), or has just begun to, or goes on who knows of nothing newer. Where revisions were bumped, that an
 * answer was newer tells nobody anything.
 */
function findDeaf({ machines, world }: Group, snapshotAt: number): readonly Machine[] {
  const knownTo = ({ followed, newest }: RunFacts): number => (world.scenario.bumps ? followed : newest);
  return machines.filter(({ run }) => run && (!run.told.begun || knownTo(run) <= snapshotAt));
}
