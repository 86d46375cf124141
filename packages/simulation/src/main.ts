import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { mutations } from "./mutations/all.ts";
import { createProgress, rateOf } from "./progress.ts";
import { runSeeds } from "./run-seeds.ts";
import { type Result, simulate } from "./simulate.ts";

const USAGE = `usage: script/simulate --seeds COUNT [--from SEED] [--workers N]
       script/simulate --seed SEED [--trace]
       script/simulate --mutations [--seeds COUNT]
with --mutation NAME a rule is switched off: ${Object.keys(mutations).join(", ")}
`;

const options = {
  seeds: { type: "string" },
  from: { type: "string", default: "1" },
  workers: { type: "string", default: String(availableParallelism()) },
  seed: { type: "string" },
  trace: { type: "boolean", default: false },
  mutation: { type: "string" },
  mutations: { type: "boolean", default: false },
} as const;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options });
  const { mutation } = values;
  if (mutation !== undefined && !(mutation in mutations)) return refuse(`unknown mutation ${mutation}`);
  const whole = (name: "seeds" | "from" | "workers" | "seed"): number | undefined =>
    values[name] === undefined ? undefined : Number(values[name]);
  const [seeds, from = 1, workers = 1, seed] = [
    whole("seeds"),
    whole("from"),
    whole("workers"),
    whole("seed"),
  ];
  if ([seeds, from, workers, seed].some((value) => value !== undefined && !Number.isSafeInteger(value))) {
    return refuse("expected whole numbers");
  }
  if (values.mutations) return await findMutations({ from, count: seeds ?? 5_000, workers });
  if (seed !== undefined) return await replay(seed, { trace: values.trace, mutation });
  if (seeds === undefined) return refuse("expected --seeds, --seed or --mutations");
  return await runMany({ from, count: seeds, workers, mutation });
}

function refuse(why: string): number {
  process.stderr.write(`script/simulate: ${why}\n${USAGE}`);
  return 64;
}

async function replay(
  seed: number,
  { trace, mutation }: { readonly trace: boolean; readonly mutation: string | undefined },
): Promise<number> {
  const onTrace = (line: string): void => void process.stdout.write(`${line}\n`);
  const result = await simulate(seed, {
    collaborators: mutation === undefined ? {} : mutations[mutation]?.collaborators,
    onTrace: trace ? onTrace : undefined,
  });
  process.stdout.write(`${describe(result)}\n`);
  return result.violation ? 1 : 0;
}

interface Many {
  readonly from: number;
  readonly count: number;
  readonly workers: number;
  readonly mutation?: string | undefined;
}

async function runMany(many: Many): Promise<number> {
  const progress = createProgress(many.count, process.stderr);
  await runSeeds({
    ...many,
    onResults(results) {
      progress.add(results);
      for (const result of results) {
        if (result.violation) process.stdout.write(`${describe(result)}\n`);
      }
      return false;
    },
  });
  progress.end();
  const { tally } = progress;
  process.stdout.write(
    `${tally.seeds} seeds, ${tally.violations.length} violations; ${(tally.simulatedMs / 3_600_000).toFixed(1)} simulated hours ` +
      `with ${tally.masters} masters in ${Math.round(tally.elapsedMs / 1_000)} s: ${rateOf(tally).toFixed(2)} hours per second\n`,
  );
  const [first] = tally.violations;
  if (!first) return 0;
  const flag = many.mutation === undefined ? "" : ` --mutation ${many.mutation}`;
  process.stdout.write(`replay with: script/simulate --seed ${first.seed} --trace${flag}\n`);
  await replay(first.seed, { trace: true, mutation: many.mutation });
  return 1;
}

/** Says for each rule after how many seeds it was noticed that it is switched off. */
async function findMutations({ from, count, workers }: Many): Promise<number> {
  let missed = 0;
  for (const [name, { rule }] of Object.entries(mutations)) {
    let found: Result | undefined;
    await runSeeds({
      ...{ from, count, workers, mutation: name },
      onResults(results) {
        const hits = results.filter(({ violation }) => violation);
        for (const hit of hits) if (!found || hit.seed < found.seed) found = hit;
        return hits.length > 0;
      },
    });
    if (!found) missed += 1;
    const how = found ? `seed ${found.seed} (${found.violation?.invariant})` : `NOT FOUND in ${count} seeds`;
    process.stdout.write(`${name.padEnd(24)} ${how.padEnd(36)} rule ${rule}\n`);
  }
  return missed === 0 ? 0 : 1;
}

function describe({ seed, violation, simulatedMs, masters }: Result): string {
  const how = violation
    ? `VIOLATION at ${violation.at.toFixed(1)} ms: ${violation.invariant}: ${violation.what}`
    : "no violation";
  return `seed ${seed}: ${how} (${(simulatedMs / 1_000).toFixed(1)} s simulated, ${masters} masters)`;
}
