import { formatRecord } from "@msdha/postgresql";
import { EVENTS } from "./events.ts";
import { createRandom } from "./random.ts";
import { ALL_RULES, type SyncRules, type WorldRules } from "./rules.ts";
import { settle } from "./tasks.ts";
import { createWorld, type World } from "./world.ts";

export interface SimulationResult {
  readonly violations: readonly string[];
  /** How much happened: a run in which nothing does shows nothing. */
  readonly promotions: number;
  readonly acknowledged: number;
}

/** Returns one line about all that is so after a step. */
function describe({ etcd, nodes, acknowledged }: World, step: number): string {
  const { record, lock } = etcd;
  const known = record.kind === "none" ? "none" : formatRecord(record);
  const states = nodes.map(({ server, token }) => {
    const { name, alive, frozen, standby, follows, log, waits, configured, waiting, walsenders } = server;
    const state = `${alive ? (frozen ? "frozen" : "") : "dead"}${standby ? `<${follows ?? ""}` : `!${token}`}`;
    const sync = `${waits ? "waits" : "free"} ${configured.needed}:${configured.standbys.join("")}`;
    const senders = walsenders.map(
      (one) => `${one.standby}${one.flushed}${one.open ? "" : "x"}:${one.needed}${one.standbys.join("")}`,
    );
    return `${name}${state} ${log.map(({ id }) => id).join(".")}${standby ? "" : ` ${sync} +${waiting.length} ${senders.join()}`}`;
  });
  return `${step} lock ${lock ?? "-"} record ${known} acked ${[...acknowledged].join()} | ${states.join(" | ")}`;
}

const STEPS = 2_500;
const STEP_MS = 50;
/** How much more or less often than usual something happens in every second run: so rare mixes come up. */
const FACTORS = [0.3, 1, 1, 3];

/** Runs one group of three to five nodes from a seed, every fourth with two or three standbys for each commit, and resolves with what went against the promise. */
export async function simulate(
  seed: number,
  {
    code,
    rules = ALL_RULES,
    trace,
  }: { readonly code: SyncRules; readonly rules?: WorldRules; readonly trace?: (line: string) => void },
): Promise<SimulationResult> {
  const random = createRandom(seed);
  const mode = seed % 3 === 0 ? "preferred" : "strict";
  const nodesNeeded = seed % 4 === 3 ? (seed % 8 === 7 ? 3 : 2) : 1;
  const world = createWorld(random, { mode, nodesNeeded, rules, code, count: 3 + random.below(3) });
  const events = EVENTS.map(([weight, event]) => {
    const factor = seed % 2 === 0 ? 1 : (random.pick(FACTORS) ?? 1);
    return [Math.ceil(weight * 10 * factor), event] as const;
  });
  const total = events.reduce((sum, [weight]) => sum + weight, 0);
  let acknowledged = 0;
  for (let step = 0; step < STEPS && world.violations.length === 0; step += 1) {
    world.clock += STEP_MS;
    const before = world.acknowledged.size;
    if (random.oneIn(2) || !world.tasks.step()) happen();
    acknowledged += Math.max(world.acknowledged.size - before, 0);
    await settle();
    if (trace) trace(describe(world, step));
  }
  return { violations: world.violations, promotions: world.promotions.count, acknowledged };

  function happen(): void {
    let choice = random.below(total);
    for (const [weight, event] of events) {
      choice -= weight;
      if (choice >= 0) continue;
      event(world);
      return;
    }
  }
}
