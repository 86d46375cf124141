import type { Direction } from "../network.ts";
import type { ChaosNode } from "../node.ts";
import { QUICK } from "../proxy.ts";
import { type Fault, type FaultContext, pickNode } from "./fault.ts";

/** Faults between hosts: packets dropped both ways or one way, connections that are slow or reset. */
export const networkFaults: readonly Fault[] = [
  { ...cutOffEtcd("both ways", ["in", "out"]), weight: 4 },
  { ...cutOffEtcd("from what it says", ["in"]), weight: 2 },
  { ...cutOffEtcd("from what the node says", ["out"]), weight: 2 },
  {
    name: "lose some of the packets between a node and etcd",
    weight: 2,
    async begin(context) {
      const node = pickNode(context);
      const end = await cut(node, context.random.pick([["some_in", "some_out"], ["some_in"], ["some_out"]]));
      return { target: node.name, lastsMs: lasting(context), end };
    },
  },
  {
    name: "cut a node off from one member of etcd",
    weight: 2,
    async begin(context) {
      const { world, random } = context;
      const node = pickNode(context);
      const host = world.proxies.get(node.name)?.host ?? node.host;
      const member = random.pick(world.etcd.members);
      const end = await host.block([member.host.address], ["in", "out"]);
      return { target: `${node.name} from ${member.name}`, lastsMs: lasting(context), end };
    },
  },
  {
    name: "cut a node off from the other nodes",
    async begin(context) {
      const node = pickNode(context);
      const others = context.world.nodes.filter((other) => other !== node).map(({ host }) => host.address);
      const end = await node.host.block(others, ["in", "out"]);
      return { target: node.name, lastsMs: lasting(context), end };
    },
  },
  {
    name: "cut every node off from etcd",
    async begin(context) {
      const ends = await Promise.all(context.world.nodes.map((node) => cut(node, ["in", "out"])));
      return {
        target: "all nodes",
        lastsMs: lasting(context),
        async end() {
          await Promise.all(ends.map((end) => end()));
        },
      };
    },
  },
  {
    name: "slow a node's connections to etcd down",
    weight: 4,
    begin(context) {
      const { world, random } = context;
      if (world.proxies.size === 0) return undefined;
      const [name, proxy] = random.pick([...world.proxies]);
      proxy.set({
        delayMs: random.pick([0, 5, 50, 300, 1_000]),
        jitterMs: random.pick([0, 20, 200, 1_500]),
        bytesPerSecond: random.chance(0.3) ? random.whole(500, 20_000) : 0,
      });
      return { target: name, lastsMs: lasting(context), end: () => proxy.set(QUICK) };
    },
  },
  {
    name: "reset a node's connections to etcd",
    weight: 2,
    begin({ world, random }) {
      if (world.proxies.size === 0) return undefined;
      const [name, proxy] = random.pick([...world.proxies]);
      proxy.set({ ...QUICK, reset: true });
      return { target: name, lastsMs: 0 };
    },
  },
];

function cutOffEtcd(how: string, directions: readonly Direction[]): Fault {
  return {
    name: `cut a node off from etcd, ${how}`,
    async begin(context) {
      const node = pickNode(context);
      return { target: node.name, lastsMs: lasting(context), end: await cut(node, directions) };
    },
  };
}

function cut(node: ChaosNode, directions: readonly Direction[]): Promise<() => Promise<void>> {
  return node.host.block(node.etcdAddresses, directions);
}

function lasting({ random, ttlMs }: FaultContext): number {
  return random.chance(0.5) ? random.between(100, ttlMs) : random.between(ttlMs, 4 * ttlMs);
}
