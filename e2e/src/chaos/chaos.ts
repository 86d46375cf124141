import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "@msdha/testkit";
import { bootTime } from "../support/boot-time.ts";
import { pickFault } from "./faults/all-faults.ts";
import type { Fault } from "./faults/fault.ts";
import { watchMachine } from "./machine.ts";
import { planRun } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";
import { createRecord, type RunRecord } from "./record.ts";
import { isClean, type Report } from "./report.ts";
import { runFaults } from "./run-faults.ts";
import { isReady, untilMaster } from "./until-master.ts";
import { startVisitors, type Visitors } from "./visitors.ts";
import { createWorld, type World } from "./world.ts";

export interface ChaosOptions {
  readonly seed: string;
  readonly minutes: number;
  /** Where everything is kept: logs, journal, data. */
  readonly folder: string;
  /** The folder of the programs that are hurt. */
  readonly code: string;
  /** What may happen. */
  readonly faults: readonly Fault[];
  /** Whether to go on when something was found. */
  readonly keepGoing: boolean;
  /** Called with a line for everything that happens. */
  readonly tell: (line: string) => void;
  /** Ends the run early; there is a report all the same. */
  readonly signal: AbortSignal;
}

const START_LIMIT_MS = 60_000;
/** How much longer than the bound a master is waited for, and a node or a frontend that has to come back. */
const PATIENCE_MS = 60_000;

const LAST_CALLS_MS = 20_000;

/** Runs a group in the sandbox and hurts it, round after round, until the time is over. */
export async function runChaos(options: ChaosOptions): Promise<Report> {
  const { seed, minutes, folder, tell, signal } = options;
  const random = createRandom(seed);
  const plan = planRun(random.fork("plan"));
  tell(`seed ${seed}: ${JSON.stringify(plan)}`);
  let record: RunRecord | undefined;
  await using world = await createWorld(plan, {
    ...{ folder, code: options.code, random: random.fork("nodes") },
    onStart(node, mode) {
      tell(`${node} is started (${mode})`);
      record?.started(node);
    },
    onExit: (name, code) => record?.exited(name, code),
  });
  const { journal, observer, frontends } = world;
  const { history } = observer;
  await using visitors = startVisitors(frontends, history);
  using machine = watchMachine(folder);
  using running = createRecord({ plan, seed, journal, history, visitors, waits: machine.waits, tell });
  record = running;
  try {
    await untilWhole(world, visitors, running, { limitMs: START_LIMIT_MS, signal });
    const end = performance.now() + minutes * 60_000;
    for (let round = 1; performance.now() < end && !signal.aborted; round++) {
      const own = random.fork(`round ${round}`);
      await runRound(round, { ...options, world, record: running, visitors, random: own });
      if (!options.keepGoing && !isClean(running.report())) break;
    }
    await checkLastCalls(world, running);
    for (const { name } of [...world.nodes, ...frontends]) checkLog(join(folder, name, "log"), running);
  } catch (error) {
    if (!signal.aborted)
      running.problem(`the run itself failed: ${error instanceof Error ? error.stack : error}`);
  }
  return running.report();
}

interface RoundContext extends ChaosOptions {
  readonly world: World;
  readonly record: RunRecord;
  readonly visitors: Visitors;
  readonly random: Random;
}

async function runRound(round: number, context: RoundContext): Promise<void> {
  const { world, record, random, faults, signal, visitors, tell } = context;
  const count = random.chance(0.65) ? 1 : random.chance(0.75) ? 2 : 3;
  const ttlMs = Math.max(...world.nodes.map(({ ttlSeconds }) => ttlSeconds)) * 1000;
  record.hurting(true);
  const done = await runFaults(count, (own) => pickFault(own, faults), {
    ...{ world, random, visitors, ttlMs, signal, tell },
    ...{ thawed: record.thawed, compacted: record.compacted },
    ...{ allowExit: record.allowExit, problem: record.problem },
  });
  record.hurting(false);
  const recovery = await untilMaster(world.nodes, world.observer.history, record.beats, {
    ...{ ttlMs, limitMs: record.boundMs + PATIENCE_MS, signal },
  });
  record.recovered(round, done, recovery);
  await untilWhole(world, visitors, record, { limitMs: PATIENCE_MS, signal });
  await sleep(random.between(0, 2_000), undefined, { signal });
}

/** Resolves when every node is ready and every frontend serves, or notes who is not. */
async function untilWhole(
  { nodes, frontends, observer }: World,
  visitors: Visitors,
  record: RunRecord,
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const since = performance.now();
  const began = bootTime();
  const missing = (): readonly string[] => [
    ...nodes.filter((node) => !isReady(node, observer.history)).map(({ name }) => name),
    ...frontends.filter(({ name }) => !visitors.servedSince(name, since)).map(({ name }) => name),
  ];
  while (missing().length > 0) {
    if (performance.now() - since > limitMs) {
      record.missing(missing(), began);
      return;
    }
    await sleep(100, undefined, { signal });
  }
}

/** Node says goodbye like this when an error was not caught. */
function checkLog(file: string, record: RunRecord): void {
  const crashes = readFileSync(file, "utf8").match(/^(?:\S*Error: .*|Node\.js v\d.*)$/gm) ?? [];
  if (crashes.length > 0) record.problem(`${file} tells of an error that was not caught: ${crashes[0]}`);
}

/** At the end, every node has to have been told the last change. */
async function checkLastCalls({ nodes, observer }: World, record: RunRecord): Promise<void> {
  // One that ends meanwhile drops what it was not told yet.
  const alive = (): ReadonlySet<string> =>
    new Set(
      nodes.filter((node) => isReady(node, observer.history)).flatMap(({ name }) => record.runOf(name) ?? []),
    );
  const told = (): boolean => record.historyFailures(alive()) === 0;
  try {
    await waitFor(told, { what: "the last calls", timeoutMs: LAST_CALLS_MS, intervalMs: 500 });
    record.historyFailures(new Set());
  } catch {
    // Those that are still missing are in the report.
  }
}
