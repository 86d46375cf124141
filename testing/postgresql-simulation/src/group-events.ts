import { type Event, isMaster, running } from "./event.ts";
import { killServer, startServer } from "./server.ts";
import type { Node } from "./world.ts";

/** A node is frozen as a whole, or thaws. */
export const freeze: Event = (world) => {
  const node = world.random.pick(world.nodes.filter(({ server }) => server.alive));
  if (!node) return false;
  node.server.frozen = !node.server.frozen;
  return true;
};

export const kill: Event = (world) => {
  const node = world.random.pick(world.nodes.filter(({ server }) => server.alive));
  if (!node) return false;
  end(node);
  return true;
};

function end(node: Node): void {
  killServer(node.server);
  node.master = undefined;
  node.busy = false;
}

export const restart: Event = (world) => {
  const node = world.random.pick(world.nodes.filter(({ server }) => !server.alive));
  if (!node) return false;
  startServer(node.server, world.rules.startsWithNobody ? undefined : { needed: 0, standbys: [] });
  node.eligibility = undefined;
  return true;
};

/** The lock goes when its holder is dead, or frozen for so long that it counts as dead. */
export const loseLock: Event = (world) => {
  const holder = world.nodes.find(({ token }) => token === world.etcd.lock);
  const holds = holder && running(holder) && (!holder.server.standby || holder.busy);
  if (world.etcd.lock === undefined || holds) return false;
  world.etcd.lock = undefined;
  return true;
};

/** What thaws without the lock is killed, but not at once. */
export const killStale: Event = (world) => {
  const node = world.nodes.find((one) => isMaster(one) && one.token !== world.etcd.lock);
  if (!node) return false;
  end(node);
  return true;
};

export const elect: Event = (world) => {
  const node = world.random.pick(
    world.nodes.filter((one) => running(one) && one.server.standby && !one.busy),
  );
  if (!node || world.etcd.lock !== undefined) return false;
  begin(node, () => world.elect(node));
  return true;
};

/** A node that does not see the master for a moment is asked, and nobody is chosen. */
export const askBlindly: Event = (world) => {
  const node = world.random.pick(
    world.nodes.filter((one) => running(one) && one.server.standby && !one.busy),
  );
  if (!node || world.etcd.lock === undefined || node.token === world.etcd.lock) return false;
  begin(node, () => world.askBlindly(node));
  return true;
};

/**
 * Standbys are asked as well as the one that will be chosen: they let go of the former master. One that does not see the
 * master there is lets go of it too.
 */
export const letGo: Event = (world) => {
  const node = world.random.pick(world.nodes.filter((one) => running(one) && one.server.standby));
  if (!node || (world.known && !world.random.oneIn(20))) return false;
  node.server.follows = undefined;
  return true;
};

export const round: Event = (world) => {
  const node = world.random.pick(world.nodes.filter((one) => isMaster(one) && !one.busy));
  if (!node) return false;
  begin(node, () => world.round(node));
  return true;
};

function begin(node: Node, act: () => Promise<void>): void {
  const { epoch } = node.server;
  node.busy = true;
  const over = (): void => {
    if (node.server.epoch === epoch) node.busy = false;
  };
  act().then(over, over);
}

/** etcd answers nothing until it thaws. */
export const freezeEtcd: Event = ({ etcd }) => {
  etcd.frozen = true;
  return true;
};

export const thawEtcd: Event = ({ etcd }) => {
  etcd.frozen = false;
  return true;
};

/** A helper that has rested goes on. */
export const wakeHelper: Event = (world) => {
  const server = world.random.pick(world.nodes.filter(({ server }) => server.rests))?.server;
  if (!server) return false;
  server.rests = false;
  return true;
};

/** A master that was frozen, and whose lock is gone, goes on. */
export const thawStale: Event = ({ nodes, etcd }) => {
  const node = nodes.find(({ server, token }) => server.frozen && !server.standby && token !== etcd.lock);
  if (!node) return false;
  node.server.frozen = false;
  return true;
};

export const killMaster: Event = ({ known }) => {
  if (!known?.server.alive) return false;
  end(known);
  return true;
};

export const carryOutLate: Event = (world) => world.etcd.carryOutLate();
