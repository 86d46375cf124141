import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { findMutations } from "./commands/find-mutations.ts";
import { replay } from "./commands/replay.ts";
import { runMany } from "./commands/run-many.ts";
import { invariants } from "./invariants/all.ts";
import { mutations } from "./mutations/all.ts";

const USAGE = `usage: script/simulate --seeds COUNT [--from SEED] [--workers COUNT]
       script/simulate --seed SEED [--trace]
       script/simulate --mutations [--seeds COUNT]
--mutation NAME switches a rule off: ${Object.keys(mutations).join(", ")}
--only NAME looks at one invariant alone: ${Object.keys(invariants).join(", ")}
`;

const options = {
  seeds: { type: "string" },
  from: { type: "string", default: "1" },
  workers: { type: "string", default: String(availableParallelism()) },
  seed: { type: "string" },
  trace: { type: "boolean", default: false },
  mutation: { type: "string" },
  mutations: { type: "boolean", default: false },
  only: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

process.exitCode = await main();

async function main(): Promise<number> {
  const values = readOptions();
  if (values instanceof Error) return refuse(values.message);
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { mutation, only, trace } = values;
  if (mutation !== undefined && !(mutation in mutations)) return refuse(`unknown mutation ${mutation}`);
  if (only !== undefined && !(only in invariants)) return refuse(`unknown invariant ${only}`);
  const { seed, seeds, from, workers } = values;
  for (const [name, value] of Object.entries({ seed, seeds, from, workers })) {
    if (value !== undefined && !/^\d{1,10}$/.test(value))
      return refuse(`--${name}: expected a whole number, got ${value}`);
  }
  const batch = {
    from: Number(from),
    count: Number(seeds ?? 5_000),
    workers: Number(workers),
    mutation,
    only,
  };
  if (values.mutations) return await findMutations(batch);
  if (seed !== undefined) return await replay(Number(seed), { trace, mutation, only });
  if (seeds === undefined) return refuse("expected --seeds, --seed or --mutations");
  return await runMany(batch);
}

function readOptions() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function refuse(why: string): number {
  process.stderr.write(`script/simulate: ${why}\n${USAGE}`);
  return 64;
}
