import { type Event, isMaster, running } from "./event.ts";
import { commonLength, counts, mayFollow, type Server, type Walsender } from "./server.ts";
import type { Node, World } from "./world.ts";

/** A client commits on a server that believes to be the master; only new ones through frontends, but who knows. */
export const commit: Event = (world) => {
  const node = world.random.pick(world.nodes.filter(isMaster));
  if (!node) return false;
  const { server } = node;
  const entry = { id: world.newId() };
  server.log.push(entry);
  if (server.waits) server.waiting.push({ id: entry.id, at: server.log.length });
  else acknowledgeAlone(world, node, [entry.id]);
  return true;
};

/**
 * What a master acknowledges without a standby may be lost with it, and is, if it only seemed to be dead: the group was
 * told before.
 */
function acknowledgeAlone(world: World, node: Node, ids: readonly number[]): void {
  if (node.token === world.etcd.lock) for (const id of ids) world.acknowledged.add(id);
}

const sendersOf = (world: World): readonly (readonly [Server, Walsender, Node])[] =>
  world.nodes
    .filter(isMaster)
    .flatMap((node) => node.server.walsenders.map((sender) => [node.server, sender, node] as const))
    .filter(([, sender]) => !sender.frozen);

/** A standby gets one record more on its disk, or all that it lacks, and says so. */
export const deliver: Event = (world) => {
  const found = world.random.pick(sendersOf(world).filter(([, sender]) => sender.open));
  if (!found) return false;
  const [master, sender] = found;
  const standby = world.nodes.find(({ server }) => server.name === sender.standby)?.server;
  if (!standby) {
    sender.replies.push(master.log.length);
    return true;
  }
  const next = master.log[standby.log.length];
  if (!standby.alive || standby.frozen || standby.follows !== master.name || !mayFollow(standby, master))
    return false;
  const sent = world.random.oneIn(2) ? master.log.slice(standby.log.length) : next ? [next] : [];
  standby.log.push(...sent);
  standby.timeline = Math.max(
    standby.timeline,
    standby.log.length > master.began ? master.timeline : standby.timeline,
  );
  if (standby.timeline === master.timeline) standby.began = master.began;
  sender.replies.push(standby.log.length);
  return true;
};

/** A master reads what a standby has said, and lets commits go that waited for it. */
export const reply: Event = (world) => {
  const found = world.random.pick(sendersOf(world).filter(([, sender]) => sender.replies.length > 0));
  if (!found) return false;
  const [master, sender, node] = found;
  sender.flushed = Math.max(sender.flushed, sender.replies.shift() ?? 0);
  if (!counts(sender)) return true;
  const reached = reachedBy(master, sender);
  for (const { id, at } of master.waiting)
    if (at <= reached && !world.givenUp.has(node.token) && !world.lost.has(id)) world.acknowledged.add(id);
  master.waiting = master.waiting.filter(({ at }) => at > reached);
  return true;
};

/**
 * How far as many connections are as this process waits for. It takes the number from its own settings, and whether another
 * connection counts from that one's.
 */
function reachedBy({ walsenders }: Server, { flushed, needed }: Walsender): number {
  if (needed === 1) return flushed;
  const all = walsenders.filter(counts).map((one) => one.flushed);
  return all.sort((one, other) => other - one)[needed - 1] ?? 0;
}

/** A server's first process reads the settings, and gives them to those that it starts. */
export const readSettings: Event = (world) => {
  const server = world.random.pick(world.nodes.filter(running))?.server;
  if (!server) return false;
  server.known = server.configured;
  return true;
};

/** The checkpointer reads them: whether commits wait at all. */
export const readWhetherToWait: Event = (world) => {
  const node = world.random.pick(world.nodes.filter(running));
  if (!node) return false;
  const { server } = node;
  server.waits = server.configured.needed > 0;
  // Commits stop waiting when the checkpointer publishes that none has to.
  if (!server.waits && !server.standby) {
    acknowledgeAlone(
      world,
      node,
      server.waiting.map(({ id }) => id),
    );
    server.waiting = [];
  }
  return true;
};

/** A process that serves a standby reads them. */
export const readWhomToWaitFor: Event = (world) => {
  const server = world.random.pick(world.nodes.filter(running))?.server;
  const sender = world.random.pick(server?.walsenders.filter(({ frozen }) => !frozen) ?? []);
  if (!server || !sender) return false;
  Object.assign(sender, { needed: server.configured.needed, standbys: server.configured.standbys });
  return true;
};

/** A standby follows the master that the group knows: rewound, if it has what that one lacks. */
export const follow: Event = (world) => {
  const master = world.known;
  const node = world.random.pick(
    world.nodes.filter((one) => running(one) && one.server.standby && !one.busy),
  );
  if (!master || !node || node === master || node.token === world.etcd.lock) return false;
  const { server } = node;
  if (!mayFollow(server, master.server)) {
    server.log = master.server.log.slice(0, commonLength(server.log, master.server.log));
    server.mark = world.rules.rewoundHasNoMark ? undefined : master.server.mark;
    server.timeline = 1;
    server.began = 0;
  }
  node.eligibility = undefined;
  server.follows = master.server.name;
  return true;
};

/** A standby connects to whom it follows; or something that is no node of the group does. */
export const connect: Event = (world) => {
  const masters = world.nodes.filter(isMaster);
  const master = world.random.pick(masters)?.server;
  if (!master) return false;
  const followers = world.nodes.filter(({ server }) => server.follows === master.name && server.alive);
  const standby = world.random.oneIn(12) ? "foreign" : world.random.pick(followers)?.server.name;
  // A slot serves one connection at a time, also one that ends.
  const hasSlots = world.nodesNeeded > 1 && world.rules.oneConnectionPerSlot;
  const taken = master.walsenders.some((sender) => (sender.open || hasSlots) && sender.standby === standby);
  if (standby === undefined || taken) return false;
  const { needed, standbys } = master.known;
  master.walsenders.push({ standby, needed, standbys, flushed: 0, replies: [], frozen: false, open: true });
  return true;
};

/** A connection ends; what the standby has said may still be read. */
export const disconnect: Event = (world) => {
  const found = world.random.pick(sendersOf(world));
  if (!found) return false;
  const [master, sender] = found;
  sender.open = false;
  if (sender.replies.length === 0 || world.random.oneIn(2)) {
    master.walsenders = master.walsenders.filter((one) => one !== sender);
  }
  return true;
};

export const freezeWalsender: Event = (world) => {
  const sender = world.random.pick(world.nodes.flatMap(({ server }) => server.walsenders));
  if (!sender) return false;
  sender.frozen = !sender.frozen;
  return true;
};
