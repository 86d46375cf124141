import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "@msdha/testkit";
import type { Fault, FaultContext } from "./faults/fault.ts";
import type { Random } from "./random.ts";
import type { Visitors } from "./visitors.ts";

export interface FaultRunOptions extends FaultContext {
  readonly visitors: Pick<Visitors, "blind">;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** Between the beginnings of two faults of one round. */
const LONGEST_OFFSET_MS = 2_000;
/** What ends a fault may have to wait until another fault has ended. */
const END_LIMIT_MS = 60_000;

const TRIES = 5;

/**
 * Picks some faults and runs them beside each other. Resolves with the names of those that were done, when all have
 * ended.
 */
export async function runFaults(
  count: number,
  pick: (random: Random) => Fault,
  options: FaultRunOptions,
): Promise<readonly string[]> {
  const active = new Set<Fault>();
  const runs = Array.from({ length: count }, async (_, index) => {
    const random = options.random.fork(`${index}`);
    if (index > 0) await sleep(random.between(0, LONGEST_OFFSET_MS), undefined, { signal: options.signal });
    for (let tries = 0; tries < TRIES; tries++) {
      const fault = pick(random);
      if (inTheWay(fault, active)) continue;
      active.add(fault);
      const done = await runFault(fault, { ...options, random }).finally(() => active.delete(fault));
      if (done) return fault.name;
    }
    return undefined;
  });
  // All of them end what they began, also when one fails.
  const results = await Promise.allSettled(runs);
  return results.flatMap((result) => {
    if (result.status === "fulfilled") return result.value ?? [];
    // Another one can be in its way: etcdctl needs an etcd that answers.
    options.tell(`could not do it: ${String(result.reason).split("\n")[0]}`);
    return [];
  });
}

function inTheWay(fault: Fault, active: ReadonlySet<Fault>): boolean {
  if (fault.single && active.has(fault)) return true;
  return [...active].some((other) => (fault.alone && other.blinds) || (other.alone && fault.blinds));
}

/** Resolves with whether it could be done, when it has ended. */
async function runFault(fault: Fault, options: FaultRunOptions): Promise<boolean> {
  const { signal, tell, visitors } = options;
  // It may take a while to begin, and what it does counts from the first moment on.
  const seeAgain = fault.blinds ? visitors.blind() : () => {};
  try {
    const begun = await fault.begin(options);
    if (!begun) return false;
    const { target, lastsMs, end } = begun;
    tell(`${fault.name}: ${target}${end ? `, for ${Math.round(lastsMs)} ms` : ""}`);
    if (end) {
      await sleep(lastsMs, undefined, { signal }).catch(() => {});
      await endFault(fault, end);
      tell(`ended: ${fault.name}: ${target}`);
    }
    return true;
  } finally {
    seeAgain();
  }
}

async function endFault(fault: Fault, end: () => Promise<void> | void): Promise<void> {
  const ended = async (): Promise<boolean> => {
    await end();
    return true;
  };
  await waitFor(ended, { what: `the end of: ${fault.name}`, timeoutMs: END_LIMIT_MS, intervalMs: 500 });
}
