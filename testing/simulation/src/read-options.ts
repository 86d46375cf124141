import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { ReplayOptions } from "./commands/replay.ts";
import { NOTHING_CRASHES } from "./crashes.ts";
import { faults } from "./faults/all-faults.ts";
import { invariants } from "./invariants/all-invariants.ts";
import { mutations } from "./mutations/all-mutations.ts";
import type { Batch } from "./run-seeds.ts";

/** What the command line asks for. */
export type Request =
  | { readonly kind: "help" }
  | { readonly kind: "seed"; readonly seed: number; readonly options: ReplayOptions }
  | { readonly kind: "seeds" | "mutations"; readonly batch: Batch };

/** Says in a line what is wrong with the command line. */
export class UsageError extends Error {
  readonly code = "ERR_USAGE";
}

const mutationNames = Object.keys(mutations);
/** The list of functions has not those that are looked at in the end, or by something else than a function. */
const invariantNames = [
  ...Object.keys(invariants),
  "requestsEndTheirRun",
  "oneMasterInTime",
  "everythingIsTold",
  "nothingSpins",
  NOTHING_CRASHES,
];

/** The random numbers have no more than 32 bits to begin with. */
const SEEDS = 2 ** 32;
const MOST_WORKERS = 4 * availableParallelism();
const ENOUGH_FOR_MUTATIONS = 5_000;

export const USAGE = `usage: script/simulate --seeds COUNT [--from SEED] [--workers COUNT]
       script/simulate --seed SEED [--trace]
       script/simulate --mutations [--seeds COUNT] [--from SEED] [--workers COUNT]
--mutation NAME switches a rule off: ${mutationNames.join(", ")}
--only NAME looks at one invariant alone: ${invariantNames.join(", ")}
--faults COUNT takes the first faults of the list only, as many as there were when a seed was found; now ${faults.length}
`;

const options = {
  seeds: { type: "string" },
  from: { type: "string" },
  workers: { type: "string" },
  seed: { type: "string" },
  trace: { type: "boolean" },
  mutation: { type: "string" },
  mutations: { type: "boolean" },
  only: { type: "string" },
  faults: { type: "string" },
  help: { type: "boolean" },
} as const;

/** Throws a `UsageError` when the arguments make no sense, also together. */
export function readOptions(args: readonly string[]): Request {
  const values = parse(args);
  if (values.help) return { kind: "help" };
  const mutation = readName("mutation", values.mutation, mutationNames);
  const only = readName("only", values.only, invariantNames);
  const known = readNumber("faults", values.faults ?? String(faults.length), {
    least: 1,
    most: faults.length,
  });
  if (values.seed !== undefined) {
    for (const name of ["seeds", "from", "workers", "mutations"] as const) {
      if (values[name] !== undefined)
        throw new UsageError(`--${name}: expected without --seed, which runs one seed alone`);
    }
    const seed = readNumber("seed", values.seed, { least: 0, most: SEEDS - 1 });
    return { kind: "seed", seed, options: { trace: values.trace ?? false, mutation, only, faults: known } };
  }
  if (values.trace) throw new UsageError("--trace: expected together with --seed");
  const kind = values.mutations ? "mutations" : "seeds";
  if (kind === "seeds" && values.seeds === undefined)
    throw new UsageError("expected --seeds, --seed or --mutations");
  const from = readNumber("from", values.from ?? "1", { least: 0, most: SEEDS - 1 });
  const count = readNumber("seeds", values.seeds ?? String(Math.min(ENOUGH_FOR_MUTATIONS, SEEDS - from)), {
    least: 1,
    most: SEEDS - from,
  });
  const workers = readNumber("workers", values.workers ?? String(availableParallelism()), {
    least: 1,
    most: MOST_WORKERS,
  });
  return { kind, batch: { from, count, workers, mutation, only, faults: known } };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    // What follows the first sentence is advice about arguments that there are none of here.
    throw new UsageError(String(error instanceof Error ? error.message : error).split(/\.\s/)[0], {
      cause: error,
    });
  }
}

function readName(option: string, name: string | undefined, known: readonly string[]): string | undefined {
  if (name === undefined || known.includes(name)) return name;
  throw new UsageError(`--${option}: expected one of ${known.join(", ")}, got ${JSON.stringify(name)}`);
}

function readNumber(
  option: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(
    `--${option}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`,
  );
}
