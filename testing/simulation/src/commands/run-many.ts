import { createProgress, rateOf } from "../progress.ts";
import { type Batch, runSeeds } from "../run-seeds.ts";
import { describe, replayToCrash } from "./replay-to-crash.ts";

/** Runs seeds with a progress bar, writes each violation, the rate in the end, and the trace of the first violation. */
export async function runMany(batch: Batch): Promise<number> {
  const progress = createProgress(batch.count, process.stderr);
  try {
    await runSeeds(batch, (results) => {
      progress.add(results);
      for (const result of results) {
        if (result.violation) process.stdout.write(`${describe(result)}\n`);
      }
      return false;
    });
  } finally {
    progress.end();
  }
  const { tally } = progress;
  const hours = (tally.simulatedMs / 3_600_000).toFixed(1);
  const seconds = Math.round(tally.elapsedMs / 1_000);
  process.stdout.write(
    `${tally.seeds} seeds, ${tally.violations.length} violations; ${hours} simulated hours with ` +
      `${tally.masters} masters in ${seconds} s: ${rateOf(tally).toFixed(2)} hours per second\n`,
  );
  const [first] = tally.violations.toSorted((a, b) => a.seed - b.seed);
  if (!first) return 0;
  await replayToCrash(first.seed, { ...batch, trace: true });
  process.stdout.write(`replay with: ${replayCommand(first.seed, batch)}\n`);
  return 1;
}

function replayCommand(seed: number, { mutation, only, faults }: Batch): string {
  const flags = [
    ...(mutation === undefined ? [] : ["--mutation", mutation]),
    ...(only === undefined ? [] : ["--only", only]),
    ...(faults === undefined ? [] : ["--faults", faults]),
  ];
  return ["script/simulate", "--seed", seed, "--trace", ...flags].join(" ");
}
