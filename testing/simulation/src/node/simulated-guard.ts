import type { Clock } from "@msdha/clock";
import {
  createClockOffset,
  deadlineTimes,
  type Guard,
  type GuardedProcess,
  GuardLostError,
  GuardPastDeadlineError,
  KillNotPermittedError,
  type KillReport,
  type ProcessExit,
  SpawnFailedError,
} from "@msdha/guard";
import type { Timeline } from "../world/machine-time.ts";
import type { SimulatedProcess } from "../world/process.ts";
import { GuardProcess, type GuardProcessOptions, type Waiter } from "./guard-process.ts";

/** The guard as the supervisor has it, and what can be done to it from outside. */
export interface SimulatedGuard extends Guard {
  /** The supervisor has died: its side of the connection closes. */
  close(): void;
  /** The guard's own processes are killed; what they started goes with them. */
  die(): void;
  /** Resolves, for the machine, when nothing is left and nothing will be started again. */
  readonly over: Promise<void>;
}

export interface SimulatedGuardOptions
  extends Omit<GuardProcessOptions, "startsPastDeadline" | "report" | "onDeadline"> {
  readonly supervisor: SimulatedProcess;
  /** The time as the supervisor has it. */
  readonly clock: Clock;
  /** How long the next message between the two takes, in ms. */
  readonly latency: () => number;
  readonly startsPastDeadline?: boolean | undefined;
  /** Breaks it: it takes a kill time as so long from now, as the supervisor's clock has it. */
  readonly trustsSupervisorClock?: boolean | undefined;
}

/** What a program takes for a wish that it end. */
const STOPS: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGQUIT"];

/**
 * The guard: a process of its own that goes on while the supervisor is frozen or dead. Commands reach it in order, and
 * so do its reports the supervisor. Past the deadline, or once its supervisor is gone, it kills everything for good.
 */
export function createSimulatedGuard({
  supervisor,
  clock,
  latency,
  startsPastDeadline = false,
  trustsSupervisorClock = false,
  ...options
}: SimulatedGuardOptions): SimulatedGuard {
  const { time, hardware } = options;
  const offset = createClockOffset({ onLeap: () => {} });
  offset.take({ theirs: hardware.now(), sentAt: clock.now(), receivedAt: clock.now() });
  const requests = createRequests();
  const toGuard = createPipe(time, latency);
  const toSupervisor = createPipe(time, latency);
  const report = (act: () => void): void => toSupervisor(() => supervisor.enter(act));
  const guard = new GuardProcess({
    ...options,
    startsPastDeadline,
    report,
    onDeadline: () => requests.lose(new GuardPastDeadlineError()),
  });

  function command(act: () => void): void {
    supervisor.leave(() =>
      toGuard(() => {
        guard.checkDeadline();
        act();
      }),
    );
  }

  /** Resolves with what the guard answers. */
  function ask<T>(answer: () => T): Promise<T> {
    return requests.request<T>((resolve) =>
      command(() => {
        const value = answer();
        report(() => resolve(value));
      }),
    );
  }

  /** Settles also after the guard was lost: what is left is still being killed. */
  function nothingLeft(
    act: () => void,
    deny?: (reject: (error: Error) => void) => Waiter["deny"],
  ): Promise<KillReport> {
    return new Promise((tell, reject) => {
      command(() => {
        guard.tellWhenNothingIsLeft({ tell, deny: deny?.(reject) });
        act();
      });
    });
  }

  function setDeadline(at: number | undefined): Promise<void> {
    const times = deadlineTimes(at, { now: clock.now(), ahead: offset.ahead });
    const sentAt = clock.now();
    return requests.request<void>((resolve, reject) =>
      command(() => {
        if (guard.folding) {
          report(() => reject(new GuardPastDeadlineError()));
          return;
        }
        const theirs = hardware.now();
        guard.moveDeadline(soonerOf(times, theirs));
        report(() => {
          offset.take({ theirs, sentAt, receivedAt: clock.now() });
          resolve();
        });
      }),
    );
  }

  function soonerOf(times: ReturnType<typeof deadlineTimes>, now: number): number {
    if (!times) return Number.POSITIVE_INFINITY;
    return trustsSupervisorClock ? now + times.in : Math.min(times.at, now + times.in);
  }

  const close = (): void => toGuard(() => guard.fold("closed"));

  return {
    lost: requests.lost,
    setDeadline,
    spawn: (file, args, { env }) =>
      requests.request<GuardedProcess>((resolve, reject) =>
        command(() => {
          const refusal = startsPastDeadline && guard.folding ? undefined : refuse(guard, file);
          if (refusal) {
            report(() => reject(refusal));
            return;
          }
          const exited = Promise.withResolvers<ProcessExit>();
          const { program, pid } = guard.spawn(file, { args, env }, exited.resolve);
          report(() =>
            resolve({
              pid,
              exited: exited.promise,
              outputEnded: exited.promise.then(() => {}),
              kill: (signal) => command(() => (signal === "SIGKILL" ? program.kill() : program.term())),
            }),
          );
        }),
      ),
    killAll: () =>
      nothingLeft(
        () => guard.killEverything(),
        (reject) => (denied) => reject(new KillNotPermittedError(denied.length, denied)),
      ),
    gone: async () => void (await nothingLeft(() => guard.checkLeft())),
    signalAll: (signal) =>
      ask(() =>
        guard.signalEach((program) => {
          if (signal === "SIGKILL") program.kill();
          else if (STOPS.includes(signal)) program.term();
        }),
      ),
    signalOrphans: (_signal, { childrenOf } = {}) => command(() => guard.askOrphansFromNowOn(childrenOf)),
    survey: () => ask(() => guard.signalEach(() => {})),
    withdrawAtKill: (files) => ask(() => guard.withdrawAtKill(files)),
    get alive() {
      return guard.size;
    },
    async [Symbol.asyncDispose]() {
      requests.end(new GuardLostError("it was disposed of"));
      supervisor.leave(close);
      await supervisor.ask(() => guard.over);
    },
    close,
    die() {
      guard.die();
      report(() => requests.lose(new GuardLostError("its processes died")));
    },
    over: guard.over,
  };
}

function refuse({ folding, killing }: GuardProcess, file: string): Error | undefined {
  if (folding === "deadline") return new GuardPastDeadlineError();
  return killing ? new SpawnFailedError(file, "refused", undefined) : undefined;
}

type GuardLoss = GuardLostError | GuardPastDeadlineError;

/** Requests that fail when the guard is lost before they are answered. */
function createRequests() {
  const lost = new AbortController();
  const pending = new Set<(reason: Error) => void>();
  let ended: GuardLoss | undefined;
  return {
    lost: lost.signal,
    /** Refuses what is asked for from now on. */
    end(error: GuardLoss): void {
      ended ??= error;
    },
    lose(error: GuardLoss): void {
      if (ended) return;
      ended = error;
      lost.abort(error);
      for (const reject of [...pending]) reject(error);
    },
    request<T>(send: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
      if (ended) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        const settle = (): void => void pending.delete(fail);
        const fail = (error: Error): void => {
          settle();
          reject(error);
        };
        pending.add(fail);
        send((value) => {
          settle();
          resolve(value);
        }, fail);
      });
    },
  };
}

/** Messages take their time and stay in order. */
function createPipe(time: Timeline, latency: () => number): (arrive: () => void) => void {
  let last = 0;
  return (arrive) => {
    last = Math.max(last, time.now + latency());
    time.at(last, arrive);
  };
}
