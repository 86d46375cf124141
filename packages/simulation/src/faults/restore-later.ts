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
      for (const member of members) member.start();
    });
  });
}
