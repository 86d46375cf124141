import { type Fault, masterOrAny } from "./fault.ts";

/** Somebody deletes the lock. */
export const deleteLock: Fault = ({ world }) => {
  world.trace("somebody", () => "deletes the lock");
  world.byHand(() => world.etcd.store.delete(world.keys.lock));
};

export const deleteNodeKey: Fault = (group, random) => {
  const { world } = group;
  const { name } = masterOrAny(group, random).scenario;
  world.trace("somebody", () => `deletes the key of ${name}`);
  world.byHand(() => world.etcd.store.delete(world.keys.node(name)));
};

export const deleteDetails: Fault = (group, random) => {
  const { world } = group;
  const { name } = masterOrAny(group, random).scenario;
  world.byHand(() => world.etcd.store.delete(world.keys.details(name)));
};

/** Without its record a group knows of no other TTL: where they differ, nothing is promised. */
export const deleteGroup: Fault = ({ world }) => {
  const { store } = world.etcd;
  const sameTtls = new Set(world.scenario.backends.map(({ ttlSeconds }) => ttlSeconds)).size === 1;
  world.trace("somebody", () => "deletes everything of the group");
  world.byHand(() => {
    for (const { key } of store.list(world.keys.prefix)) {
      if (sameTtls || key !== world.keys.ttl) store.delete(key);
    }
  });
};

/** Where this is planned, nodes have a `report` hook. */
export const deleteReport: Fault = (group, random) => {
  const { world } = group;
  const { name } = masterOrAny(group, random).scenario;
  world.byHand(() => world.etcd.store.delete(world.keys.report(name)));
};

export const revokeLease: Fault = (group, random) => {
  const { world } = group;
  const lease = masterOrAny(group, random).run?.lease;
  if (lease === undefined || !world.etcd.store.leases.has(lease)) return;
  world.trace("somebody", () => `revokes lease ${lease}`);
  world.byHand(() => world.etcd.store.revoke(lease));
};

/** Anyone can call itself master; nobody is to believe it. */
export const pretendMaster: Fault = ({ world, machines }, random) => {
  const { name } = random.pick(machines).scenario;
  world.trace("somebody", () => `puts master as the state of ${name}`);
  world.byHand(() => world.etcd.store.put(world.keys.node(name), "master"));
};
