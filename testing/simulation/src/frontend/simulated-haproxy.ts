import { names, type RuntimeApi, type ServerRow } from "@msdha/haproxy-config";
import { nodeAt } from "../scenario.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { Scheduler } from "../world/scheduler.ts";

/** HAProxy, as far as its runtime API shows it. */
export interface SimulatedHaproxy {
  readonly api: Pick<RuntimeApi, "showServers" | "setServerAddress" | "setServerStates">;
  /** The nodes that new sessions go to. */
  readonly targets: readonly string[];
  /** It died and was started anew: nothing is set. */
  restart(): void;
}

export interface SimulatedHaproxyOptions {
  readonly scheduler: Scheduler;
  readonly frontend: SimulatedProcess;
  /** How long the way to it takes, and the way back, in ms. */
  readonly latency: () => number;
}

export function createSimulatedHaproxy({
  scheduler,
  frontend,
  latency,
}: SimulatedHaproxyOptions): SimulatedHaproxy {
  let servers = freshServers();
  let targets: readonly string[] = [];

  function ask<T>(act: () => T): Promise<T> {
    return frontend.ask(
      () =>
        new Promise((resolve) => {
          scheduler.after(latency(), () => {
            const answer = act();
            scheduler.after(latency(), () => resolve(answer));
          });
        }),
    );
  }

  function change(name: string, to: Partial<ServerRow>): void {
    set(servers.map((server) => (server.name === name ? { ...server, ...to } : server)));
  }

  function set(to: readonly ServerRow[]): void {
    servers = to;
    targets = to.filter(({ state }) => state === "ready").map(({ address }) => nodeAt(address));
  }

  return {
    api: {
      showServers: () => ask(() => [...servers]),
      setServerAddress: (_, server, { address, port }) => ask(() => change(server, { address, port })),
      setServerStates: (_, changes) =>
        ask(() => {
          for (const { server, state, to } of changes) change(server, { ...to, state });
        }),
    },
    get targets() {
      return targets;
    },
    restart() {
      set(freshServers());
    },
  };
}

function freshServers(): readonly ServerRow[] {
  return names.slots.map((name) => ({ name, address: "127.0.0.1", port: 1, state: "maint" }));
}
