import { mutations } from "../mutations/all-mutations.ts";
import { type Result, simulate } from "../simulate.ts";

export interface ReplayOptions {
  readonly mutation?: string | undefined;
  readonly only?: string | undefined;
  /** How many faults of the list there are; all when it is not given. */
  readonly faults?: number | undefined;
  readonly trace: boolean;
}

/** Runs one seed and writes what came of it, with all that happened on the way when `trace` asks for it. */
export async function replay(
  seed: number,
  { mutation, only, faults, trace }: ReplayOptions,
): Promise<number> {
  const onTrace = (line: string): void => void process.stdout.write(`${line}\n`);
  const result = await simulate(seed, {
    mutation: mutation === undefined ? undefined : mutations[mutation],
    only,
    faults,
    onTrace: trace ? onTrace : undefined,
  });
  process.stdout.write(`${describeResult(result)}\n`);
  return result.violation ? 1 : 0;
}

export function describeResult({ seed, violation, simulatedMs, masters }: Result): string {
  const how = violation
    ? `VIOLATION at ${violation.at.toFixed(1)} ms: ${violation.invariant}: ${violation.what}`
    : "no violation";
  return `seed ${seed}: ${how} (${(simulatedMs / 1_000).toFixed(1)} s simulated, ${masters} masters)`;
}
