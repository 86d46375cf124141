import { combineMembers, type EtcdApi } from "@msdha/etcd-client";
import { createGuide, followMaster } from "@msdha/frontend";
import { createSwitcher } from "@msdha/haproxy-config";
import { applyHeard } from "../facts/apply-heard.ts";
import type { FrontendFacts } from "../facts/facts.ts";
import { isOlder } from "../node/connect-node.ts";
import { gateEtcd } from "../node/gate-etcd.ts";
import { createTraceLog } from "../node/trace-log.ts";
import { addressOf } from "../scenario.ts";
import { createLink, type Link } from "../world/network.ts";
import { createProcess, type SimulatedProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import { createSimulatedHaproxy, type SimulatedHaproxy } from "./simulated-haproxy.ts";

/** A frontend: the production code's decisions, with an HAProxy that is not one. */
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

const PORT = 5_432;
const RESTART_MS = 500;
const HAPROXY_START_MS = 50;
const DRAIN_MS = 20;

interface Live {
  readonly process: SimulatedProcess;
  readonly haproxy: SimulatedHaproxy;
  readonly facts: FrontendFacts;
  replay(): void;
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
    const { clock } = process;
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
    let watch: AbortSignal | undefined;
    /** The last whole read while no watch was open. */
    let read: { readonly revision: number; readonly restores: number } | undefined;
    const hear = (revision: number, restores: number): void =>
      applyHeard(world.facts, facts, { revision, restores, now: scheduler.now });
    const log = createTraceLog((line) => world.trace(name, line));
    const switcher = createSwitcher(haproxy.api, { drainMs: DRAIN_MS, clock });
    live = { process, haproxy, facts, replay: () => switcher.replay() };
    const members = etcd.members.map(({ index }) => {
      const client = etcd.connect({ member: index, clock });
      client.onRequest = links[index]?.onRequest;
      client.onAnswer = links[index]?.onAnswer;
      return gateEtcd(client, process, {
        asked: () => () => {},
        watching({ startRevision }, signal) {
          watch = signal;
          // A watch that goes on from somewhere else was only compared with the read.
          if (read && startRevision === read.revision) hear(read.revision, read.restores);
          read = undefined;
        },
        heard({ events }) {
          const last = events.at(-1);
          // What comes on a watch that was given up just now is not looked at any more.
          if (last && facts.known && !watch?.aborted) hear(last.kv.modRevision, world.facts.restores);
        },
      });
    });
    const combined = combineMembers(members, { clock });
    const api: EtcdApi = {
      ...combined,
      // Of the members that it asks one after the other the first to answer is the one that is heard.
      async range(range, options) {
        const { restores } = world.facts;
        const { revision } = etcd.store;
        // A whole read beside an open watch is for comparison only.
        const fresh = range.prefix === true && range.key === world.keys.prefix && watch?.aborted !== false;
        const answer = await combined.range(range, options);
        if (restores === world.facts.restores && isOlder(answer, revision)) {
          facts.missed = true;
          facts.oldReadAt = scheduler.now;
        } else if (fresh) read = { revision: answer.revision, restores };
        return answer;
      },
    };
    const guide = createGuide({
      port: PORT,
      lookup: async (host) => [addressOf(host)],
      lookupIntervalMs: 30_000,
      lookupKeepMs: 300_000,
      reach: async () => true,
      isOwn: () => false,
      clock,
      log,
      onRoute: (route) => void switcher.route(route),
    });
    followMaster(world.collaborators.frontendEtcd?.(api, world) ?? api, world.scenario.group, {
      clock,
      log,
      signal: new AbortController().signal,
      ttlSeconds: world.scenario.longestTtlMs / 1_000,
      onMastership: (mastership) => guide.tell(mastership),
      onProven: (proven) => guide.confirm(proven || world.collaborators.frontendsNeedNoProof === true),
    });
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
      scheduler.after(HAPROXY_START_MS, () => own.process.enter(own.replay));
    },
  };
}
