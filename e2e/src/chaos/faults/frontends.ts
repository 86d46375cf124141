import type { ChaosFrontend } from "../frontend.ts";
import { type Process, signal } from "../processes.ts";
import { type Fault, type FaultContext, masterOf } from "./fault.ts";

/** Faults of the frontends: killed, frozen, cut off. */
export const frontendFaults: readonly Fault[] = [
  kill("HAProxy", (frontend) => frontend.haproxy()),
  kill("a frontend", (frontend) => frontend.supervisor()),
  freeze("HAProxy", (frontend) => frontend.haproxy()),
  freeze("a frontend", (frontend) => frontend.supervisor()),
  {
    name: "stop a frontend in peace",
    begin({ world, random }) {
      const frontend = random.pick(world.frontends);
      frontend.child.send("SIGTERM");
      return { target: frontend.name, lastsMs: 0 };
    },
  },
  {
    name: "cut a frontend off from etcd",
    weight: 2,
    async begin(context) {
      const { world, random } = context;
      const frontend = random.pick(world.frontends);
      const members = world.etcd.members.map(({ host }) => host.address);
      const end = await frontend.host.block(members, random.pick([["in", "out"], ["in"], ["out"]] as const));
      return { target: frontend.name, lastsMs: lasting(context), end };
    },
  },
  {
    name: "cut a frontend off from the master",
    async begin(context) {
      const frontend = context.random.pick(context.world.frontends);
      const master = masterOf(context.world);
      if (!master) return undefined;
      const end = await frontend.host.block([master.host.address], ["in", "out"]);
      return { target: `${frontend.name} from ${master.name}`, lastsMs: lasting(context), end };
    },
  },
];

type Find = (frontend: ChaosFrontend) => Process | undefined;

function kill(what: string, find: Find): Fault {
  return {
    name: `kill ${what}`,
    begin({ world, random }) {
      const frontend = random.pick(world.frontends);
      const victim = find(frontend);
      if (!victim) return undefined;
      signal(victim, "SIGKILL");
      return { target: frontend.name, lastsMs: 0 };
    },
  };
}

function freeze(what: string, find: Find): Fault {
  return {
    name: `freeze ${what}`,
    begin(context) {
      const frontend = context.random.pick(context.world.frontends);
      const victim = find(frontend);
      if (!victim) return undefined;
      signal(victim, "SIGSTOP");
      return {
        target: frontend.name,
        lastsMs: lasting(context),
        end: () => signal(victim, "SIGCONT"),
      };
    },
  };
}

function lasting({ random, ttlMs }: FaultContext): number {
  return random.between(200, 3 * ttlMs);
}
