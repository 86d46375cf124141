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
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
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
  const rest = Object.entries(fields).map(([name, value]) => ` ${toWord(name)}=${toWord(value)}`);
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
