import { setTimeout as sleep } from "node:timers/promises";
import { printable } from "@msdha/settings";
import { type Logger, pino } from "pino";

/** A pino logger. `log.info({ node, state }, "message")`. */
export type Log = Logger;

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export const logFormats = ["text", "json"] as const;

export interface LogOptions {
  readonly level?: (typeof logLevels)[number];
  /** `text`: one readable line each; `json`: pino's own lines, in printable characters only. */
  readonly format?: (typeof logFormats)[number];
  /** The file descriptor to write to; default: 2, standard error. */
  readonly fd?: number;
}

/** A reader that has stopped reading must not stop the app: beyond this many bytes waiting, lines are dropped. */
const MOST_WAITING_BYTES = 4 << 20;

/** How long a reader may take at the end before the process waits for it alone. */
const LAST_WRITE_MS = 1_000;

/**
 * Returns a log. Lines are written without waiting for the reader. `flush()` resolves when what is left is written, in
 * order: call it directly before the process ends. A reader that has gone away is ignored, and so is a log that can't be written:
 * its last lines are lost.
 */
export function createLog({ level = "info", format = "text", fd = 2 }: LogOptions = {}): {
  readonly log: Log;
  flush(): Promise<void>;
} {
  const destination = pino.destination({ dest: fd, sync: false, maxLength: MOST_WAITING_BYTES });
  let waiting = false;
  let failed = false;
  destination.on("error", () => {
    waiting = false;
    failed = true;
  });
  destination.on("write", () => {
    failed = false;
  });
  destination.on("drain", () => {
    waiting = false;
  });
  // It tries again for ever, without the event loop, where a disk is full. Pino calls it too, when the process ends.
  const flushSync = destination.flushSync.bind(destination);
  destination.flushSync = () => {
    if (!failed) flushSync();
  };
  const toLine = format === "json" ? escapeMore : toText;
  const write = (line: string): void => {
    waiting = true;
    destination.write(toLine(line));
  };
  const timestamp = pino.stdTimeFunctions.isoTime;
  const renameOwn = (fields: Fields): Fields => renameFields(fields, OWN_NAMES, format);
  const log = pino(
    {
      level,
      base: null,
      timestamp,
      formatters: { log: renameOwn },
      hooks: {
        logMethod(args, method) {
          method.apply(this, renameMessage(args, format));
        },
      },
    },
    { write },
  );
  renameBindings(log, (bindings) => renameFields(bindings, [...OWN_NAMES, "msg"], format));
  return {
    log,
    async flush() {
      // A write that is under way can't be waited for without the event loop, and what is written beside it overtakes it.
      for (let passedMs = 0; waiting && passedMs < LAST_WRITE_MS; passedMs += 1) await sleep(1);
      try {
        destination.flushSync();
      } catch {
        // Nobody reads the log any more.
      }
    },
  };
}

type Fields = Record<string, unknown>;

/** What an entry says of itself: a field that is called so must not take its place. */
const OWN_NAMES = ["time", "level"] as const;

/** In front of such a field's name, on the way from pino to a line of text: no name of a program's own begins so. */
const RENAMED = "\0";

/** Returns the same fields, those with a name in `names` under another: as JSON `time_`, and as text `time` again in the end. */
function renameFields(fields: Fields, names: readonly string[], format: LogOptions["format"]): Fields {
  if (!names.some((name) => Object.hasOwn(fields, name))) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (!names.includes(name)) return [name, value];
      return [format === "json" ? `${name}_` : `${RENAMED}${name}`, value];
    }),
  );
}

type LogArguments = Parameters<pino.LogFn>;

/** A field `msg` is the message, unless there is one beside it. */
function renameMessage(args: LogArguments, format: LogOptions["format"]): LogArguments {
  const [fields, message, ...rest] = args as unknown[];
  if (message === undefined || typeof fields !== "object" || fields === null) return args;
  return [renameFields(fields as Fields, ["msg"], format), message, ...rest] as unknown as LogArguments;
}

/** Pino has a formatter of bindings for a log's own children only, not for theirs. */
function renameBindings(log: Log, rename: (bindings: Fields) => Fields): void {
  const { child, setBindings } = log;
  log.child = function (this: Log, bindings: Fields, options?: object) {
    return child.call(this, rename(bindings), options);
  } as typeof child;
  log.setBindings = function (this: Log, bindings: Fields) {
    setBindings.call(this, rename(bindings));
  };
}

/** JSON leaves the control characters beyond ASCII as they are, and a terminal may take one for an escape code. */
function escapeMore(line: string): string {
  return line.replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

function toText(line: string): string {
  const { time, level, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const label = (pino.levels.labels[Number(level)] ?? "info").toUpperCase().padEnd(5);
  const rest = Object.entries(fields).map(
    ([name, value]) => ` ${toWord(name.replace(RENAMED, ""))}=${toWord(value)}`,
  );
  const error = err === undefined ? "" : `: ${printable(messageOf(err), { max: 2_000 })}`;
  return `${String(time)} ${label} ${printable(String(msg ?? ""), { max: 8_000 })}${error}${rest.join("")}\n`;
}

function toWord(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[\w.:/@+-]+$/.test(text) ? text : printable(JSON.stringify(text), { max: 2_000 });
}

function messageOf(error: unknown): string {
  return typeof error === "object" && error !== null && "message" in error
    ? String(error.message)
    : String(error);
}
