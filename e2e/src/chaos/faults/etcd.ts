import { armAlarm } from "../alarm.ts";
import type { Member } from "../etcd.ts";
import type { Direction } from "../network.ts";
import { QUICK } from "../proxy.ts";
import type { Begun, Fault, FaultContext } from "./fault.ts";

/** Faults of etcd: members that are dead, frozen or alone, a full disk, a history that is cut off. */
export const etcdFaults: readonly Fault[] = [
  {
    name: "kill a member of etcd",
    begin: (context) => killMember(context, context.random.pick(context.world.etcd.members)),
  },
  {
    name: "kill the leader of etcd",
    weight: 2,
    begin: async (context) => killMember(context, await context.world.etcd.leader()),
  },
  {
    name: "freeze a member of etcd",
    begin: (context) => freezeMember(context, context.random.pick(context.world.etcd.members)),
  },
  {
    name: "freeze the leader of etcd",
    weight: 2,
    begin: async (context) => freezeMember(context, await context.world.etcd.leader()),
  },
  {
    name: "freeze all of etcd",
    weight: 2,
    begin(context) {
      const { members } = context.world.etcd;
      for (const member of members) member.freeze();
      return {
        target: "etcd",
        lastsMs: lasting(context),
        end: () => members.forEach((member) => void member.thaw()),
      };
    },
  },
  {
    name: "kill all of etcd",
    async begin(context) {
      const { members } = context.world.etcd;
      await Promise.all(members.map((member) => member.kill()));
      return {
        target: "etcd",
        lastsMs: lasting(context),
        end: () => members.forEach((member) => void member.start()),
      };
    },
  },
  {
    name: "replace a member of etcd by an empty one",
    // With two members gone, the third and an empty one that does not start yet have no majority: etcd would be lost for good.
    single: true,
    async begin(context) {
      const { etcd } = context.world;
      const member = context.random.chance(0.5) ? await etcd.leader() : context.random.pick(etcd.members);
      // It may have happened also where no answer came.
      await member.remove(etcd.ask).catch(() => {});
      return { target: member.name, lastsMs: lasting(context), end: () => member.rejoin(etcd.ask) };
    },
  },
  {
    name: "have etcd choose another leader",
    async begin({ world, random }) {
      const leader = await world.etcd.leader();
      const next = random.pick(world.etcd.members.filter((member) => member !== leader));
      const id = await memberId(world.etcd.ask, next.name);
      await world.etcd.ask(`--endpoints=${leader.endpoint}`, "move-leader", id).catch(() => {});
      return { target: `${leader.name} to ${next.name}`, lastsMs: 0 };
    },
  },
  { ...cutOffPeers("both ways", ["in", "out"]), weight: 2 },
  cutOffPeers("from what they say", ["in"]),
  cutOffPeers("from what it says", ["out"]),
  {
    name: "lose some of the packets between a member of etcd and the others",
    begin: (context) => cutPeers(context, ["some_in", "some_out"]),
  },
  {
    name: "fill etcd's disk (alarm)",
    async begin(context) {
      const { etcd } = context.world;
      await armAlarm(etcd);
      return {
        target: "etcd",
        lastsMs: lasting(context),
        async end() {
          await etcd.ask("alarm", "disarm");
        },
      };
    },
  },
  {
    name: "compact etcd's history",
    async begin(context) {
      await compact(context);
      return { target: "etcd", lastsMs: 0 };
    },
  },
  {
    name: "compact etcd's history under a watch that is cut",
    weight: 2,
    async begin(context) {
      const { world, random, ttlMs } = context;
      const proxied = world.nodes.filter(({ name }) => world.proxies.has(name));
      if (proxied.length === 0) return undefined;
      const node = random.pick(proxied);
      const proxy = world.proxies.get(node.name);
      const unblock = await proxy?.host.block(
        world.etcd.members.map(({ host }) => host.address),
        ["in", "out"],
      );
      try {
        await changeGhosts(context);
        await compact(context);
      } catch (error) {
        await unblock?.();
        throw error;
      }
      return {
        target: node.name,
        lastsMs: random.between(0, ttlMs / 2),
        async end() {
          proxy?.set({ ...QUICK, reset: true });
          await unblock?.();
        },
      };
    },
  },
];

/** Changes of keys that look like nodes'. */
async function changeGhosts({ world, random }: FaultContext): Promise<void> {
  const changes = random.whole(1, 5);
  for (let i = 0; i < changes; i++) {
    await world.etcd.ask("put", `${world.prefix}ghost${i % 2}`, `state${i}`);
  }
  if (random.chance(0.5)) await world.etcd.ask("del", "--prefix", `${world.prefix}ghost`);
}

function lasting({ random, ttlMs }: FaultContext): number {
  return random.chance(0.5) ? random.between(300, ttlMs) : random.between(ttlMs, 4 * ttlMs);
}

async function killMember(context: FaultContext, member: Member): Promise<Begun> {
  await member.kill();
  return { target: member.name, lastsMs: lasting(context), end: () => member.start() };
}

function freezeMember(context: FaultContext, member: Member): Begun {
  member.freeze();
  return { target: member.name, lastsMs: lasting(context), end: () => member.thaw() };
}

function cutOffPeers(how: string, directions: readonly Direction[]): Fault {
  return {
    name: `cut a member of etcd off from the others, ${how}`,
    begin: (context) => cutPeers(context, directions),
  };
}

/** Clients reach it still. */
async function cutPeers(context: FaultContext, directions: readonly Direction[]): Promise<Begun> {
  const { etcd } = context.world;
  const member = context.random.chance(0.6) ? await etcd.leader() : context.random.pick(etcd.members);
  const peers = etcd.members.filter((other) => other !== member).map(({ host }) => host.address);
  const end = await member.host.block(peers, directions);
  return { target: member.name, lastsMs: lasting(context), end };
}

/** Only as far as it has been seen: the observer's own history must have no gap. */
async function compact({ world, compacted }: FaultContext): Promise<void> {
  const { revision } = world.observer.history;
  compacted(revision);
  await world.etcd.ask("compact", String(revision)).catch((error: unknown) => {
    if (!String(error).includes("has been compacted")) throw error;
  });
}

async function memberId(ask: (...args: readonly string[]) => Promise<string>, name: string): Promise<string> {
  const line = (await ask("member", "list")).split("\n").find((text) => text.includes(` ${name},`));
  return line?.split(",")[0] ?? "";
}
