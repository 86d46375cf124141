import { parseArgs } from "node:util";
import * as code from "@msdha/postgresql";
import { loadMutated, MUTATIONS } from "./mutations.ts";
import { ALL_RULES } from "./rules.ts";
import { simulate } from "./simulate.ts";

const USAGE = `usage: main.ts [--seeds COUNT] [--from SEED] [--mutation NAME] [--trace]
--mutation NAME switches a rule off: ${Object.keys(MUTATIONS).join(", ")}
--trace tells of every step of the first seed`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "1" },
      mutation: { type: "string" },
      trace: { type: "boolean", default: false },
    },
  });
  for (const name of ["seeds", "from"] as const) {
    if (!/^[1-9]\d{0,8}$/.test(values[name])) {
      throw new Error(`--${name}: expected a whole number from 1, got ${values[name]}`);
    }
  }
  const { mutation } = values;
  if (mutation !== undefined && !Object.hasOwn(MUTATIONS, mutation)) {
    throw new Error(`--mutation: expected one of ${Object.keys(MUTATIONS).join(", ")}, got ${mutation}`);
  }
  return { seeds: Number(values.seeds), from: Number(values.from), mutation, trace: values.trace };
}

async function main(): Promise<number> {
  const { seeds, from, mutation, trace } = readOptions();
  const mutated = mutation === undefined ? undefined : MUTATIONS[mutation];
  const tested = mutated ? await loadMutated(mutated) : { code, rules: ALL_RULES };
  let promotions = 0;
  let violations = 0;
  for (let seed = from; seed < from + seeds; seed += 1) {
    const write = (line: string): void => void process.stdout.write(`${line}\n`);
    const result = await simulate(seed, { ...tested, ...(trace && seed === from ? { trace: write } : {}) });
    promotions += result.promotions;
    if (result.violations.length === 0) continue;
    violations += 1;
    write(`seed ${seed}: ${result.violations[0]}`);
  }
  process.stdout.write(`${seeds} seeds from ${from}: ${promotions} promotions, ${violations} violations\n`);
  return violations === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}
