import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { allFaults } from "./faults/all-faults.ts";
import type { Fault } from "./faults/fault.ts";
import { BUILT } from "./world.ts";

export interface Options {
  readonly minutes: number;
  readonly seed: string;
  readonly json: boolean;
  readonly keep: boolean;
  readonly keepGoing: boolean;
  /** The pattern that picked the faults, if there was one. */
  readonly only: string | undefined;
  readonly faults: readonly Fault[];
  /** How many faults of the list there are to pick from. */
  readonly known: number;
  readonly code: string;
}

interface Picked {
  readonly pattern: string | undefined;
  readonly faults: readonly Fault[];
}

const everyFault: Picked = { pattern: undefined, faults: allFaults };

/** Reads the command line. Ends the process with a clear line when it is wrong, or when help was asked for. */
export function readOptions(args: readonly string[]): Options {
  const program = new Command("script/chaos")
    .description(
      "Hurts a group of real processes at random, in network namespaces of its own, and looks for what breaks.",
    )
    .option("--minutes <n>", "how long to go on hurting it", minutes, 5)
    .option("--seed <text>", "what the choices follow from (default: a new one)")
    .addOption(
      new Option("--only <pattern>", "only the faults whose names match this regular expression")
        .argParser(matching)
        .default(everyFault, "every fault"),
    )
    .option(
      "--faults <count>",
      "the first of the list only, as when a seed was found",
      count,
      allFaults.length,
    )
    .option("--code <folder>", "hurt the programs of another folder like packages/", withPrograms, BUILT)
    .option("--keep-going", "do not end when something was found")
    .option("--keep", "keep logs and journal also when nothing was found")
    .option("--json", "print the report as JSON")
    .option("--list", "print the names of all faults, and do nothing")
    .allowExcessArguments(false);
  const options = program.parse(args, { from: "user" }).opts<{
    minutes: number;
    seed?: string;
    only: Picked;
    faults: number;
    code: string;
    keepGoing?: boolean;
    keep?: boolean;
    json?: boolean;
    list?: boolean;
  }>();
  if (options.list) {
    process.stdout.write(allFaults.map(({ name }) => `${name}\n`).join(""));
    process.exit(0);
  }
  const { json = false, keep = false, keepGoing = false } = options;
  const seed = options.seed ?? String(Math.floor(Math.random() * 1e6));
  const { pattern: only } = options.only;
  const first = allFaults.slice(0, options.faults);
  const faults = options.only.faults.filter((fault) => first.includes(fault));
  return {
    minutes: options.minutes,
    seed,
    json,
    keep,
    keepGoing,
    only,
    faults,
    known: options.faults,
    code: options.code,
  };
}

/** The command line that does the same again. */
export function describeAgain({ seed, minutes, only, known, code, keepGoing }: Options): string {
  return [
    `script/chaos --seed ${quote(seed)} --minutes ${minutes} --faults ${known}`,
    ...(only === undefined ? [] : [`--only ${quote(only)}`]),
    ...(code === BUILT ? [] : [`--code ${quote(code)}`]),
    ...(keepGoing ? ["--keep-going"] : []),
  ].join(" ");
}

/** As a shell takes it for one word. */
function quote(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function minutes(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 100_000) return value;
  throw new InvalidArgumentError("Expected a number of minutes above 0 and up to 100000.");
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= allFaults.length) return value;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${allFaults.length}.`);
}

function matching(text: string): Picked {
  const pattern = compile(text);
  const faults = allFaults.filter(({ name }) => pattern.test(name));
  if (faults.length > 0) return { pattern: text, faults };
  throw new InvalidArgumentError("No fault has such a name: --list prints them.");
}

function compile(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new InvalidArgumentError(`Expected a regular expression. ${String(error)}`);
  }
}

/** The folder from wherever it is asked for again. */
function withPrograms(text: string): string {
  const folder = resolve(text);
  for (const app of ["backend", "frontend"]) {
    const program = join(folder, app, "dist", `msdha-${app}.mjs`);
    if (!existsSync(program)) throw new InvalidArgumentError(`There is no ${program}.`);
  }
  return folder;
}
