import type { Fault } from "./fault.ts";

/** The exit code of wrong settings: endpoints of two clusters are such. */
const REFUSED = 78;

/** Endpoints that lead to two clusters. */
export const foreignEtcdFaults: readonly Fault[] = [
  {
    name: "have another cluster answer at the address of a member of etcd",
    weight: 2,
    blinds: true,
    // With no other member there it would be the only etcd that a node sees when it starts.
    alone: true,
    async begin({ world, random, ttlMs, allowExit, problem }) {
      const { etcd, nodes, frontends, prefix } = world;
      const member = random.chance(0.4) ? await etcd.leader() : random.pick(etcd.members);
      const endAllowed = allowExit(
        REFUSED,
        [...nodes, ...frontends].map(({ name }) => name),
      );
      async function end(): Promise<void> {
        const keys = await member.endForeign();
        const strays = keys.filter((key) => key.startsWith(prefix));
        if (strays.length > 0)
          problem(`the other cluster at ${member.endpoint} was given ${strays.join(", ")}`);
        endAllowed();
      }
      try {
        await member.replaceByForeign();
      } catch (error) {
        await end();
        throw error;
      }
      if (random.chance(0.5)) random.pick(nodes).askToStop();
      return { target: member.name, lastsMs: random.between(ttlMs, 6 * ttlMs), end };
    },
  },
];
