import { runFrontend } from "@msdha/frontend";
import type { FrontendFacts } from "../facts/facts.ts";
import { createTraceLog } from "../node/trace-log.ts";
import { addressOf } from "../scenario.ts";
import { createLink, type Link } from "../world/network.ts";
import { createProcess, type SimulatedProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import { connectFrontend } from "./connect-frontend.ts";
import { frontendConfig } from "./frontend-config.ts";
import { createSimulatedHaproxy, type SimulatedHaproxy } from "./simulated-haproxy.ts";
import { createSimulatedProxy, type SimulatedProxy } from "./simulated-proxy.ts";

/** A frontend: production's own, on a host with an HAProxy that is not one. */
export interface SimulatedFrontend {
  readonly name: string;
  readonly links: readonly Link[];
  /** Which nodes new sessions go to, by name. */
  readonly targets: readonly string[];
  start(): void;
  /** Kills it, and HAProxy with it; it starts again after a moment. */
  kill(): void;
  freeze(ms: number): void;
  /** When its present or last freeze ends. */
  readonly frozenUntil: number;
  /** HAProxy dies and is started anew. */
  restartHaproxy(): void;
}

const RESTART_MS = 500;
const HAPROXY_START_MS = 50;

interface Live {
  readonly process: SimulatedProcess;
  readonly haproxy: SimulatedHaproxy;
  readonly facts: FrontendFacts;
  proxy?: SimulatedProxy;
}

export function createSimulatedFrontend(name: string, world: World): SimulatedFrontend {
  const { scheduler, etcd } = world;
  const random = world.random.fork();
  const offset = random.between(0, 1e6);
  let live: Live | undefined;
  const onSwallowed = (): void => {
    if (live) live.facts.missed = true;
  };
  const links = etcd.members.map(() =>
    createLink({ random: random.fork(), ...world.scenario.network, onSwallowed }),
  );

  function start(): void {
    const process = createProcess(scheduler, {
      rate: 1,
      offset,
      onFreeze: (ms) => world.trace(name, () => `frozen for ${Math.round(ms)} ms`),
    });
    const latency = (): number => random.between(0.1, 2);
    const haproxy = createSimulatedHaproxy({ scheduler, frontend: process, latency });
    const facts: FrontendFacts = {
      name,
      process,
      targets: () => haproxy.targets,
      known: undefined,
      missed: false,
      oldReadAt: Number.NEGATIVE_INFINITY,
    };
    world.facts.frontends.add(facts);
    const own: Live = { process, haproxy, facts };
    live = own;
    void run(own);
  }

  /** Runs production's frontend; it goes on until its process is killed. */
  async function run(own: Live): Promise<void> {
    const { process, haproxy, facts } = own;
    const { clock } = process;
    const { frontendsNeedNoProof, frontendEtcd } = world.collaborators;
    const api = connectFrontend(world, process, facts, links);
    const etcd = frontendEtcd?.(api, world) ?? api;
    const never = new AbortController().signal;
    await runFrontend(
      frontendConfig(world.scenario, frontendsNeedNoProof ? "keep" : "park"),
      {
        clock,
        log: createTraceLog((line) => world.trace(name, line)),
        lookup: async (host) => [addressOf(host)],
        reach: async () => true,
        serve: async () => ({ [Symbol.asyncDispose]: async () => {} }),
        async startProxy(events) {
          own.proxy = createSimulatedProxy(haproxy, events, clock);
          return own.proxy;
        },
        connectEtcd: async () => ({ ...etcd, [Symbol.asyncDispose]: async () => {} }),
      },
      { stop: never, hurry: never },
    );
  }

  function kill(): void {
    if (!live) return;
    world.trace(name, () => "killed");
    live.process.kill();
    world.facts.frontends.delete(live.facts);
    live = undefined;
    scheduler.after(RESTART_MS, start);
  }

  return {
    name,
    links,
    get targets() {
      return live ? live.haproxy.targets : [];
    },
    start,
    kill,
    freeze: (ms) => live?.process.freeze(ms),
    get frozenUntil() {
      return live?.process.frozenUntil ?? 0;
    },
    restartHaproxy() {
      const own = live;
      if (!own) return;
      world.trace(name, () => "HAProxy restarts");
      own.haproxy.restart();
      scheduler.after(HAPROXY_START_MS, () => own.process.enter(() => own.proxy?.replay()));
    },
  };
}
