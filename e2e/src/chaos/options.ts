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
  readonly faults: readonly Fault[];
  readonly code: string;
}

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
        .default(allFaults, "every fault"),
    )
    .option("--code <folder>", "hurt the programs of another folder like packages/", BUILT)
    .option("--keep-going", "do not end when something was found")
    .option("--keep", "keep logs and journal also when nothing was found")
    .option("--json", "print the report as JSON")
    .option("--list", "print the names of all faults, and do nothing")
    .allowExcessArguments(false);
  const options = program.parse(args, { from: "user" }).opts<{
    minutes: number;
    seed?: string;
    only: readonly Fault[];
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
  return { minutes: options.minutes, seed, json, keep, keepGoing, faults: options.only, code: options.code };
}

function minutes(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 100_000) return value;
  throw new InvalidArgumentError("Expected a number of minutes.");
}

function matching(text: string): readonly Fault[] {
  const faults = allFaults.filter(({ name }) => new RegExp(text).test(name));
  if (faults.length > 0) return faults;
  throw new InvalidArgumentError("No fault has such a name: --list prints them.");
}
