import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import { type GuardLostError, GuardPastDeadlineError, SpawnFailedError } from "./errors.ts";
import type { GuardedProcess, ProcessExit, SpawnOptions } from "./guard.ts";
import type { Report } from "./protocol.ts";

/** What was started through one guard and has not ended. */
export interface Processes {
  readonly alive: number;
  /** The process ids of those that are not known to have ended. */
  readonly pids: readonly number[];
  newId(): number;
  /** Settles with the first report about `id`. */
  add(id: number, file: string, options: Pick<SpawnOptions, "output" | "onOutput">): Promise<GuardedProcess>;
  take(report: Report): void;
  /** Nobody waits any longer for a start. */
  failStarts(reason: unknown): void;
  /** All are known to be dead. */
  endAll(): void;
  /** Nothing more will be known. */
  abandon(reason: GuardLostError): void;
}

interface Entry {
  readonly file: string;
  readonly onOutput: SpawnOptions["onOutput"];
  readonly started: PromiseWithResolvers<GuardedProcess>;
  readonly exited: PromiseWithResolvers<ProcessExit>;
  readonly outputEnded: PromiseWithResolvers<void>;
  /** Undefined before it is known to have started. */
  pid: number | undefined;
  running: boolean;
  hasEnded: boolean;
  outputOpen: boolean;
}

const SIGNALS = constants.signals as Readonly<Record<string, number | undefined>>;
const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

export function createProcesses(sendSignal: (id: number, signal: number, group: boolean) => void): Processes {
  const entries = new Map<number, Entry>();
  let lastId = 0;
  let alive = 0;

  function end(entry: Entry, exit: ProcessExit): void {
    entry.hasEnded = true;
    if (!entry.running) return;
    entry.running = false;
    alive -= 1;
    entry.exited.resolve(exit);
  }

  function endOutput(entry: Entry): void {
    entry.outputOpen = false;
    entry.outputEnded.resolve();
  }

  function handleOf(id: number, entry: Entry, pid: number): GuardedProcess {
    return {
      pid,
      exited: entry.exited.promise,
      outputEnded: entry.outputEnded.promise,
      kill(signal, { group = false } = {}) {
        const number = signalNumber(signal);
        if (entry.running) sendSignal(id, number, group);
      },
    };
  }

  return {
    get alive() {
      return alive;
    },
    get pids() {
      return [...entries.values()].flatMap(({ pid, running }) => (running && pid !== undefined ? [pid] : []));
    },
    newId() {
      lastId += 1;
      return lastId;
    },
    add(id, file, { output, onOutput }) {
      const entry: Entry = {
        file,
        onOutput,
        started: Promise.withResolvers(),
        exited: Promise.withResolvers(),
        outputEnded: Promise.withResolvers(),
        pid: undefined,
        running: false,
        hasEnded: false,
        outputOpen: output === "pipe",
      };
      entry.exited.promise.catch(() => {});
      if (!entry.outputOpen) endOutput(entry);
      entries.set(id, entry);
      return entry.started.promise;
    },
    take(report) {
      if (!("id" in report)) return;
      const { id } = report;
      const entry = entries.get(id);
      if (!entry) return;
      switch (report.type) {
        case "started":
          entry.running = true;
          entry.pid = report.pid;
          alive += 1;
          entry.started.resolve(handleOf(id, entry, report.pid));
          break;
        case "failed":
          entries.delete(id);
          entry.started.reject(
            report.step === "past-deadline"
              ? new GuardPastDeadlineError()
              : new SpawnFailedError(entry.file, report.step, errorName(report.errno)),
          );
          break;
        case "output":
          entry.onOutput?.(report.stream, report.chunk);
          break;
        case "output-end":
          endOutput(entry);
          // It may be told before the start is, of a program that closes its outputs at once.
          if (entry.hasEnded) entries.delete(id);
          break;
        case "exit":
          end(entry, exitOf(report));
          if (!entry.outputOpen) entries.delete(id);
          break;
      }
    },
    failStarts(reason) {
      for (const entry of entries.values()) entry.started.reject(reason);
    },
    endAll() {
      for (const entry of entries.values()) {
        end(entry, { code: null, signal: "SIGKILL" });
        endOutput(entry);
      }
      entries.clear();
    },
    abandon(reason) {
      for (const entry of entries.values()) {
        entry.running = false;
        entry.exited.reject(reason);
        endOutput(entry);
      }
      entries.clear();
      alive = 0;
    },
  };
}

/** Throws a `TypeError` for an unknown signal. */
export function signalNumber(signal: NodeJS.Signals): number {
  const number = SIGNALS[signal];
  if (number === undefined) throw new TypeError(`expected the name of a signal, got ${signal}`);
  return number;
}

function exitOf({ signaled, value }: Extract<Report, { type: "exit" }>): ProcessExit {
  if (!signaled) return { code: value, signal: null };
  return { code: null, signal: (SIGNAL_NAMES.get(value) ?? `SIG${value}`) as NodeJS.Signals };
}

function errorName(errno: number): string | undefined {
  return errno === 0 ? undefined : getSystemErrorName(-errno);
}
