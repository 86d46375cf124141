import type { ChaosNode } from "../node.ts";
import { type Fault, type FaultContext, masterOf, pickNode } from "./fault.ts";

/** What somebody with etcdctl may do, and clocks that are set. */
export const keyFaults: readonly Fault[] = [
  {
    name: "delete the lock by hand",
    weight: 2,
    async begin({ world }) {
      await world.etcd.ask("del", `${world.prefix}_lock`);
      return { target: masterOf(world)?.name ?? "nobody", lastsMs: 0 };
    },
  },
  {
    name: "delete a node key by hand",
    async begin(context) {
      const node = pickNode(context);
      await context.world.etcd.ask("del", `${context.world.prefix}${node.name}`);
      return { target: node.name, lastsMs: 0 };
    },
  },
  {
    name: "write a node key by hand",
    async begin(context) {
      const { world, random } = context;
      const node = pickNode(context);
      const key = `${world.prefix}${node.name}`;
      await world.etcd.ask("put", key, random.pick(["master", "ready"]));
      return {
        target: node.name,
        lastsMs: random.between(0, 2_000),
        async end() {
          if (world.observer.history.node(node.name)?.lease === "0") await world.etcd.ask("del", key);
        },
      };
    },
  },
  {
    name: "have a key that is no node's say master",
    async begin({ world, random }) {
      const key = `${world.prefix}ghost`;
      await world.etcd.ask("put", key, "master");
      return {
        target: "ghost",
        lastsMs: random.between(0, 2_000),
        async end() {
          await world.etcd.ask("del", key);
        },
      };
    },
  },
  {
    name: "revoke a node's lease by hand",
    weight: 2,
    async begin(context) {
      const node = pickNode(context);
      const key = context.world.observer.history.node(node.name);
      if (!key || key.lease === "0") return undefined;
      await context.world.etcd.ask("lease", "revoke", BigInt(key.lease).toString(16)).catch(() => {});
      return { target: node.name, lastsMs: 0 };
    },
  },
  {
    name: "step a node's wall clock",
    weight: 2,
    begin(context) {
      const node = withOwnClock(context);
      if (!node?.setClock) return undefined;
      const { setClock } = node;
      const seconds = context.random.pick([-86_400, -60, -5, 5, 60, 86_400]);
      setClock(seconds);
      return {
        target: `${node.name} by ${seconds} s`,
        lastsMs: context.random.between(500, 3 * context.ttlMs),
        end: () => setClock(0),
      };
    },
  },
];

function withOwnClock({ world, random }: FaultContext): ChaosNode | undefined {
  const nodes = world.nodes.filter(({ setClock }) => setClock);
  return nodes.length === 0 ? undefined : random.pick(nodes);
}
