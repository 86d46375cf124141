import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "@msdha/testkit";
import type { Fault, FaultContext } from "./faults/fault.ts";
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

/** Runs some faults beside each other. Resolves with the names of those that could be done, when all have ended. */
export async function runFaults(
  faults: readonly Fault[],
  options: FaultRunOptions,
): Promise<readonly string[]> {
  const runs = faults.map((fault, index) =>
    runFault(fault, { ...options, random: options.random.fork(`${index}`) }, index > 0),
  );
  // All of them end what they began, also when one fails.
  const results = await Promise.allSettled(runs);
  return results.flatMap((result) => {
    if (result.status === "fulfilled") return result.value ?? [];
    // Another one can be in its way: etcdctl needs an etcd that answers.
    options.tell(`could not do it: ${String(result.reason).split("\n")[0]}`);
    return [];
  });
}

async function runFault(
  fault: Fault,
  options: FaultRunOptions,
  isLater: boolean,
): Promise<string | undefined> {
  const { random, signal, tell, visitors } = options;
  if (isLater) await sleep(random.between(0, LONGEST_OFFSET_MS), undefined, { signal });
  // It may take a while to begin, and what it does counts from the first moment on.
  const seeAgain = fault.blinds ? visitors.blind() : () => {};
  try {
    const begun = await fault.begin(options);
    if (!begun) return undefined;
    const { target, lastsMs, end } = begun;
    tell(`${fault.name}: ${target}${end ? `, for ${Math.round(lastsMs)} ms` : ""}`);
    if (end) {
      await sleep(lastsMs, undefined, { signal }).catch(() => {});
      await endFault(fault, end);
      tell(`ended: ${fault.name}: ${target}`);
    }
    return fault.name;
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
