import { inspect } from "node:util";
import type { Log } from "@msdha/log";

type Level = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** A log that goes to the trace; its lines are only made when somebody reads them. */
export function createTraceLog(write: (line: () => string) => void): Log {
  const at =
    (level: Level) =>
    (fields: unknown, message?: string): void =>
      write(() => `${level.toUpperCase()} ${describe(fields, message)}`);
  const log = {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
  };
  return log as unknown as Log; // pino's interface is far larger than what is used of it
}

function describe(fields: unknown, message: string | undefined): string {
  if (typeof fields === "string") return fields;
  const { err, ...rest } = fields as { readonly err?: unknown };
  const more =
    Object.keys(rest).length > 0 ? ` ${inspect(rest, { breakLength: Number.POSITIVE_INFINITY })}` : "";
  const error = err instanceof Error ? ` (${err.message})` : "";
  return `${message ?? ""}${error}${more}`;
}
