import { type BackendConfig, runBackend } from "@msdha/backend";
import type { Clock } from "@msdha/clock";
import { combineMembers, type EtcdApi, readEtcdSettings, waitForEtcd } from "@msdha/etcd-client";
import type { RunFacts } from "../facts/facts.ts";
import { applyAnswer, applyFollowed, misleads } from "../facts/keep-facts.ts";
import type { BackendScenario } from "../scenario.ts";
import { createDriftingClock } from "../world/drifting-clock.ts";
import { createLink, type Link } from "../world/network.ts";
import { createProcess, type SimulatedProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import { gateEtcd } from "./gate-etcd.ts";
import { chooseBehaviour, type Program, startProgram } from "./program.ts";
import { type Disk, openSimulatedFiles, removeSimulatedFile } from "./simulated-files.ts";
import {
  createSimulatedGuard,
  type ProgramEvents,
  type SimulatedGuard,
  type StartProgram,
} from "./simulated-guard.ts";
import { createSimulatedHooks } from "./simulated-hooks.ts";
import { createTraceLog } from "./trace-log.ts";

/** A container on a machine: one run of a backend after the other, as a restart policy has it. */
export interface Machine {
  readonly scenario: BackendScenario;
  readonly links: readonly Link[];
  /** The present run, if one is under way. */
  readonly run: RunFacts | undefined;
  start(): void;
  /** Asks the node to stop, as `docker stop` does; after `graceMs` everything is killed. */
  stop(options: { readonly graceMs: number }): void;
  /** Kills the supervisor alone, or everything at once; a new run follows. */
  kill(what: "supervisor" | "container" | "guard"): void;
  freeze(ms: number): void;
  /** When the run's present or last freeze ends. */
  readonly frozenUntil: number;
  /** Freezes the supervisor at its n-th step from now on. */
  freezeAtStep(steps: number, ms: number): void;
  /** Never starts a run again. */
  retire(): void;
}

interface Live {
  readonly facts: RunFacts;
  readonly process: SimulatedProcess;
  readonly stop: AbortController;
  guard: SimulatedGuard | undefined;
}

/** How long a new run waits for the processes of the one before it, as the backend does. */
const FORMER_RUN_MS = 15_000;
const NEVER = { step: Number.POSITIVE_INFINITY, ms: 0 };

export function createMachine(scenario: BackendScenario, world: World): Machine {
  const { scheduler, etcd } = world;
  const random = world.random.fork();
  const { rate } = scenario;
  const offset = random.between(0, 1e6);
  const hardware = createDriftingClock(scheduler, { rate, offset });
  const links = etcd.members.map(() => createLink({ random: random.fork(), ...world.scenario.network }));
  let disk: Disk = { runId: undefined, isMaster: false };
  let live: Live | undefined;
  let former: SimulatedGuard | undefined;
  let runs = 0;
  let retired = false;
  let freezeAt = { ...NEVER };

  function start(): void {
    if (retired || live) return;
    if (misleads(world.facts)) {
      scheduler.after(scenario.restartMs, start);
      return;
    }
    runs += 1;
    if (!scenario.filesPersist) disk = { runId: undefined, isMaster: false };
    const id = `${scenario.machine}#${runs}`;
    const process = createProcess(scheduler, {
      rate,
      offset,
      freezeBefore(step) {
        if (step < freezeAt.step || world.calm) return 0;
        const { ms } = freezeAt;
        freezeAt = { ...NEVER };
        return ms;
      },
      onFreeze: (ms) => world.trace(id, () => `frozen for ${Math.round(ms)} ms`),
    });
    const facts: RunFacts = {
      id,
      node: scenario.name,
      ttlMs: scenario.ttlSeconds * 1_000,
      startedAt: scheduler.now,
      rate,
      hardware,
      supervisor: process,
      programs: new Set(),
      lease: undefined,
      lock: undefined,
      published: false,
      seen: hardware.now(),
      newest: 0,
      followed: 0,
      mastered: false,
      told: world.facts.history.reader(),
    };
    world.facts.runs.add(facts);
    const own: Live = { facts, process, stop: new AbortController(), guard: undefined };
    live = own;
    world.trace(id, () => "starts");
    supervise(own).then(
      (how) => end(own, how),
      (error: unknown) => end(own, `failed: ${String(error)}`),
    );
  }

  /** What start-backend.ts does, with the simulated world's parts. */
  async function supervise(own: Live): Promise<string> {
    const { facts, process, stop } = own;
    const clock = world.collaborators.clock?.(process.clock, facts, world) ?? process.clock;
    await waitForFormer(process);
    const guard = createSimulatedGuard({
      scheduler,
      hardware,
      supervisor: process,
      start: startFor(facts),
      withdraw: (file) => removeSimulatedFile(disk, file),
      latency: () => random.between(0.05, 1),
      startsPastDeadline: world.collaborators.startsPastDeadline,
    });
    own.guard = guard;
    former = guard;
    const files = openSimulatedFiles(disk, facts.id);
    const api = connect(facts, clock);
    const log = createTraceLog((line) => world.trace(facts.id, () => line()));
    try {
      await waitForEtcd(api, { timeoutMs: 30_000, clock, signal: stop.signal });
      const mutatedGuard = world.collaborators.guard?.(guard, facts, world) ?? guard;
      const ports = {
        etcd: world.collaborators.etcd?.(api, facts, world) ?? api,
        clock,
        guard: mutatedGuard,
        hooks: createSimulatedHooks(mutatedGuard, {
          clock,
          rank: scenario.ranks ? () => random.whole(0, 3) : undefined,
        }),
        files: world.collaborators.files?.(files, facts, world) ?? files,
        log,
        baseEnvironment: {},
      };
      const ending = await runBackend(configOf(scenario, world.scenario.group), ports, { stop: stop.signal });
      return ending.kind;
    } finally {
      await guard[Symbol.asyncDispose]();
    }
  }

  async function waitForFormer(process: SimulatedProcess): Promise<void> {
    const left = former;
    if (!left) return;
    const late = process.clock.sleep(FORMER_RUN_MS).then(() => {
      throw new Error("something of the former run is still alive");
    });
    await Promise.race([process.ask(() => left.over), late]);
  }

  function connect(facts: RunFacts, clock: Clock): EtcdApi {
    const { supervisor } = facts;
    const members = etcd.members.map(({ index }) => {
      const client = etcd.connect({ member: index, clock: supervisor.clock });
      const link = links[index];
      client.onRequest = link?.onRequest;
      client.onAnswer = link?.onAnswer;
      return gateEtcd(client, supervisor, {
        asked(call, argument) {
          const sent = supervisor.clock.now();
          world.check({ kind: "ask", run: facts, call, argument, now: scheduler.now });
          return (answer) => applyAnswer(world.keys, facts, { call, argument, answer, sent });
        },
        heard: ({ events }) => applyFollowed(facts, events.at(-1)?.kv.modRevision ?? 0),
      });
    });
    return combineMembers(members, { clock });
  }

  function startFor(facts: RunFacts): StartProgram {
    const manners = random.fork();
    const launch = (name: string, on: ProgramEvents): Program => {
      const trouble = world.calm ? 0 : world.scenario.trouble;
      const behaviour = chooseBehaviour(name, { ttlMs: facts.ttlMs, trouble }, manners);
      const program = startProgram(name, behaviour, {
        scheduler,
        onFork: () => on.fork(launch(`fork of ${name}`, on)),
        onExit(exit) {
          facts.programs.delete(program);
          world.trace(facts.id, () => `${name} ended ${exit.signal ?? exit.code}`);
          if (name === "master" && exit.code === 0) facts.mastered = true;
          on.exit(program, exit);
        },
      });
      facts.programs.add(program);
      return program;
    };
    return (file, { args, env }, on) => {
      world.trace(facts.id, () => `${file} ${args.join(" ")}`);
      if (file === "master") facts.published = true;
      const program = launch(file, on);
      world.check({ kind: "start", run: facts, program: file, args, env });
      return program;
    };
  }

  /** The run is over: its supervisor ends, and a new one starts after a while. */
  function end(own: Live, how: string): void {
    if (live !== own) return;
    world.trace(own.facts.id, () => `is over (${how})`);
    own.process.kill();
    own.guard?.close();
    live = undefined;
    forgetWhenGone(own.facts);
    scheduler.after(scenario.restartMs, start);
  }

  function forgetWhenGone(facts: RunFacts): void {
    if (facts.programs.size === 0) world.facts.runs.delete(facts);
    else scheduler.after(1_000, () => forgetWhenGone(facts));
  }

  function kill(what: "supervisor" | "container" | "guard"): void {
    const own = live;
    if (!own) return;
    world.trace(own.facts.id, () => `${what} killed`);
    if (what === "guard") own.guard?.die();
    else {
      if (what === "container") own.guard?.die();
      end(own, "killed");
    }
  }

  return {
    scenario,
    links,
    get run() {
      return live?.facts;
    },
    start,
    stop({ graceMs }) {
      const own = live;
      if (!own) return;
      world.trace(own.facts.id, () => "asked to stop");
      own.process.enter(() => own.stop.abort(new Error("asked to stop")));
      scheduler.after(graceMs, () => {
        if (live === own) kill("container");
      });
    },
    kill,
    freeze: (ms) => live?.process.freeze(ms),
    get frozenUntil() {
      return live?.process.frozenUntil ?? 0;
    },
    freezeAtStep(steps, ms) {
      if (!live) return;
      freezeAt = { step: live.process.steps + steps, ms };
    },
    retire() {
      retired = true;
      kill("container");
    },
  };
}

const etcdSettings = readEtcdSettings({ ETCDCTL_ENDPOINTS: "http://etcd:2379" });

function configOf(scenario: BackendScenario, group: string): BackendConfig {
  return {
    etcd: etcdSettings,
    etcdTimeoutMs: 30_000,
    group,
    name: scenario.name,
    address: scenario.name,
    ttlSeconds: scenario.ttlSeconds,
    masterTtlMs: scenario.masterTtlMs,
    hooksDir: "/hooks",
    runDir: "/run",
    stopSignal: "SIGTERM",
    stopTimeoutMs: scenario.stopTimeoutMs,
    drainMs: scenario.drainMs,
    traffic: scenario.traffic,
    hookTimeoutMs: Number.POSITIVE_INFINITY,
    hooksEtcdctl: false,
    nodeStateChangeFailure: "log",
  };
}
