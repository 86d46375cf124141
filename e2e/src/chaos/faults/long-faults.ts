import { type Fault, type FaultContext, masterOf, pickNode } from "./fault.ts";
import { freezeNode, killAll } from "./processes.ts";

/** Faults that last so long that everything has moved on when they end. */
export const longFaults: readonly Fault[] = [
  {
    name: "freeze a whole node for long",
    begin(context) {
      const node = pickNode(context);
      return { target: node.name, lastsMs: lasting(context), end: freezeNode(context, node) };
    },
  },
  {
    name: "cut a frontend off from etcd while the master moves",
    blinds: true,
    async begin(context) {
      const { world, random } = context;
      const master = masterOf(world);
      if (!master) return undefined;
      const frontend = random.pick(world.frontends);
      const members = world.etcd.members.map(({ host }) => host.address);
      const end = await frontend.host.block(members, ["in", "out"]);
      killAll(() => master.processes());
      return { target: `${frontend.name}, with ${master.name} killed`, lastsMs: lasting(context), end };
    },
  },
];

function lasting({ random, ttlMs }: FaultContext): number {
  return random.between(5 * ttlMs, 10 * ttlMs);
}
