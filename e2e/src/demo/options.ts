import { Command, InvalidArgumentError } from "commander";
import { EVENT_KINDS, type EventKind } from "./events.ts";

export interface DemoOptions {
  readonly ttlSeconds: number;
  readonly keep: boolean;
  readonly json: boolean;
  readonly events: readonly EventKind[];
  /** A folder that the logs are copied to. */
  readonly logs: string | undefined;
}

/** Reads the command line. Ends the process with a clear line when it is wrong, or when help was asked for. */
export function readOptions(args: readonly string[]): DemoOptions {
  const program = new Command("script/demo")
    .description("Shows a PostgreSQL group that survives its master, with clients that write all the time.")
    .option("--keep", "leave the group running at the end, and say how to connect")
    .option("--json", "print nothing on standard output but one object with the figures")
    .option("--ttl <seconds>", "the group's TTL", wholeSeconds, 3)
    .option("--events <kinds>", `only these, in this order, of ${EVENT_KINDS.join(",")}`, kinds)
    .option("--logs <folder>", "copy the logs of all processes there at the end")
    .allowExcessArguments(false);
  const options = program.parse(args, { from: "user" }).opts<{
    keep?: boolean;
    json?: boolean;
    ttl: number;
    events?: readonly EventKind[];
    logs?: string;
  }>();
  const { keep = false, json = false, ttl, events = EVENT_KINDS, logs } = options;
  return { ttlSeconds: ttl, keep, json, events, logs };
}

function wholeSeconds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 2 && value <= 60) return value;
  throw new InvalidArgumentError("Expected a whole number of seconds from 2 to 60.");
}

function kinds(text: string): readonly EventKind[] {
  return text.split(",").map((word) => {
    const kind = EVENT_KINDS.find((candidate) => candidate === word.trim());
    if (kind) return kind;
    throw new InvalidArgumentError(`Expected ${EVENT_KINDS.join(", ")}, with commas between them.`);
  });
}
