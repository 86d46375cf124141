import type { Random } from "@msdha/etcd-simulated";
import { type Group, someTime } from "./fault.ts";

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
      world.trace("etcd", () => `restored to ${snapshot.store.revision}`);
      store.restore(snapshot);
      world.restored();
      if (world.facts.group.handover?.isTrue === false) restartDeaf(group, snapshot.store.revision);
      for (const member of members) member.start();
    });
  });
}

/**
 * Who starts after a restore, or had been told nothing since the snapshot, can't know that a hand-over which came back
 * with it is not true: that is not promised. So nobody starts while there is one (see `Machine.start`), or has just begun
 * to, or goes on who knows of nothing newer.
 */
function restartDeaf({ machines }: Group, snapshotAt: number): void {
  for (const { run, kill } of machines) {
    if (run && (!run.told.begun || run.newest <= snapshotAt)) kill("container");
  }
}
