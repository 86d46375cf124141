import { type BackendHost, superviseNode } from "@msdha/backend";
import { waitForEtcd } from "@msdha/etcd-client";
import type { Random } from "@msdha/etcd-simulated";
import type { Ask } from "@msdha/group";
import type { RunFacts } from "../facts/facts.ts";
import type { BackendScenario } from "../scenario.ts";
import type { Link } from "../world/network.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import { backendConfig } from "./backend-config.ts";
import { connectNode } from "./connect-node.ts";
import { launchPrograms } from "./launch-programs.ts";
import type { Storage } from "./program.ts";
import { chooseRankLine } from "./rank-line.ts";
import { type Disk, openSimulatedFiles, removeSimulatedFile } from "./simulated-files.ts";
import { createSimulatedGuard, type SimulatedGuard } from "./simulated-guard.ts";
import { createSimulatedHooks } from "./simulated-hooks.ts";
import { createTraceLog } from "./trace-log.ts";

/** One run of a backend: its supervisor, and the guard once it has one. */
export interface LiveRun {
  readonly facts: RunFacts;
  readonly process: SimulatedProcess;
  readonly stop: AbortController;
  guard: SimulatedGuard | undefined;
}

export interface RunParts {
  readonly scenario: BackendScenario;
  readonly world: World;
  readonly random: Random;
  readonly links: readonly Link[];
  readonly disk: Disk;
  readonly storage: Storage;
  /** The guard of the run before this one. */
  readonly former: SimulatedGuard | undefined;
}

/** How long a new run waits for the processes of the one before it, as the backend does. */
const FORMER_RUN_MS = 15_000;

/** Runs a backend on a simulated host. Resolves with the kind of its ending. */
export async function superviseRun(own: LiveRun, parts: RunParts): Promise<string> {
  const config = backendConfig(parts.scenario, parts.world.scenario.group);
  const ending = await superviseNode(config, simulatedHost(own, parts), { stop: own.stop.signal });
  if (ending.kind === "planned" && ending.ask) checkRequest(own, parts, ending.ask);
  return ending.kind;
}

function simulatedHost(own: LiveRun, parts: RunParts): BackendHost {
  const { facts, process } = own;
  const { scenario, world } = parts;
  const { collaborators } = world;
  const clock = collaborators.clock?.(facts.clock, facts, world) ?? facts.clock;
  return {
    clock,
    // Somebody sets it right at once.
    wallNow: () => world.scheduler.now,
    mayKeepSignal: () => true,
    nonce: countFrom(facts.id),
    log: createTraceLog((line) => world.trace(facts.id, () => line())),
    baseEnvironment: {},
    async startGuard() {
      await waitForFormer(process, parts.former);
      const guard = openGuard(own, parts);
      own.guard = guard;
      return collaborators.guard?.(guard, facts, world) ?? guard;
    },
    async openFiles() {
      const files = openSimulatedFiles(parts.disk, facts.id);
      return collaborators.files?.(files, facts, world) ?? files;
    },
    async connectEtcd(signal) {
      const api = connectNode(facts, world, { links: parts.links, clock });
      await waitForEtcd(api, { timeoutMs: 30_000, clock, signal });
      await api.inspect();
      const etcd = collaborators.etcd?.(api, facts, world) ?? api;
      return { ...etcd, async [Symbol.asyncDispose]() {} };
    },
    createHooks: (guard) =>
      createSimulatedHooks(guard, {
        clock,
        candidate: scenario.ranks && {
          write: () => chooseRankLine(parts.random),
          onAnswer: (said, byOrder) => {
            facts.said = said;
            facts.saidByOrder = byOrder;
          },
        },
        report: world.planned.has("deleteReport") && (() => `${parts.random.whole(0, 5)} bytes`),
      }),
  };
}

/** A request ends only the run, or the holder of the lock, that it was written for. */
function checkRequest({ facts }: LiveRun, { world }: RunParts, { revision, kind }: Ask): void {
  const written = world.facts.asked.get(revision);
  const isForUs = kind === "switchover" ? written?.token === facts.lock?.token : written?.run === facts.id;
  // A restored etcd gives revisions out again.
  if ((written && isForUs) || world.facts.restores > 0) return;
  world.violate(
    "requestsEndTheirRun",
    `${facts.id} ended for a request that is not for it: ${JSON.stringify(written)}`,
  );
}

/** Returns what names a run's first, second and every further call. */
function countFrom(id: string): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `${id}/${count}`;
  };
}

async function waitForFormer(process: SimulatedProcess, former: SimulatedGuard | undefined): Promise<void> {
  if (!former) return;
  const late = process.clock.sleep(FORMER_RUN_MS).then(() => {
    throw new Error("something of the former run is still alive");
  });
  await Promise.race([process.ask(() => former.over), late]);
}

function openGuard(
  { facts, process }: LiveRun,
  { scenario, world, random, disk, storage }: RunParts,
): SimulatedGuard {
  const { candidateTimeoutMs } = scenario;
  return createSimulatedGuard({
    time: facts.machine,
    hardware: facts.hardware,
    supervisor: process,
    clock: facts.clock,
    start: launchPrograms(facts, world, { manners: random.fork(), disk, storage, candidateTimeoutMs }),
    withdraw: (file) => removeSimulatedFile(disk, file),
    latency: () => random.between(0.05, 1),
    startsPastDeadline: world.collaborators.startsPastDeadline,
    trustsSupervisorClock: world.collaborators.trustsSupervisorClock,
  });
}
