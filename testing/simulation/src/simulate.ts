import { faults } from "./faults/all-faults.ts";
import type { Group } from "./faults/fault.ts";
import { watchForMoments } from "./faults/moments.ts";
import { planFaults } from "./faults/plan.ts";
import { createSimulatedFrontend } from "./frontend/simulated-frontend.ts";
import type { Mutation } from "./mutations/mutation.ts";
import { Machine } from "./node/machine.ts";
import { recover } from "./recover.ts";
import { makeScenario, type Scenario } from "./scenario.ts";
import { withoutStackTraces } from "./world/no-stack-traces.ts";
import { installQuickAbort } from "./world/quick-abort.ts";
import { createWorld, run, type Violation } from "./world/world.ts";

export interface SimulateOptions {
  /** A rule that is switched off. */
  readonly mutation?: Mutation | undefined;
  /** The only invariant that counts; default: all, or with a mutation the one that notices it. */
  readonly only?: string | undefined;
  /** How many faults of the list there were when the seed was found. Default: all. */
  readonly faults?: number | undefined;
  /** Takes the trace, line by line. */
  readonly onTrace?: ((line: string) => void) | undefined;
}

export interface Result {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly simulatedMs: number;
  readonly steps: number;
  /** How often somebody became the master. */
  readonly masters: number;
}

/** Runs one group from its start through its faults to its recovery. The same seed always does the same. */
export async function simulate(seed: number, options: SimulateOptions = {}): Promise<Result> {
  using _quick = installQuickAbort();
  using _bare = withoutStackTraces();
  const known = faults.slice(0, options.faults);
  const usual = makeScenario(seed, known);
  const scenario = options.mutation?.circumstances?.(usual) ?? usual;
  const group = createGroup(scenario, options);
  const { world } = group;
  planFaults(group, known);
  watchForMoments(group);
  await run(world, scenario.faultsMs);
  if (!world.violation) await recover(group);
  const { now, steps } = world.scheduler;
  return { seed, violation: world.violation, simulatedMs: now, steps, masters: world.masters };
}

/** Makes a group whose nodes start within the next seconds. */
export function createGroup(scenario: Scenario, { mutation, onTrace, ...options }: SimulateOptions): Group {
  const only = options.only ?? mutation?.noticedBy;
  const world = createWorld(scenario, { collaborators: mutation?.collaborators ?? {}, onTrace, only });
  const machines = scenario.backends.map((each) => new Machine(each, world));
  const frontends = Array.from({ length: scenario.frontends }, (_, index) =>
    createSimulatedFrontend(`f${index}`, world),
  );
  world.trace("scenario", () => JSON.stringify(scenario));
  for (const machine of machines)
    world.scheduler.after(world.random.between(0, 2_000), () => machine.start());
  for (const frontend of frontends) world.scheduler.after(world.random.between(0, 500), frontend.start);
  return { world, machines, frontends };
}
