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
import type { SimulatedProcess } from "../world/process.ts";
import { createGuardLink, type GuardLink } from "./guard-link.ts";
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
export function createSimulatedGuard(options: SimulatedGuardOptions): SimulatedGuard {
  const { supervisor, startsPastDeadline = false } = options;
  const link = createGuardLink(options);
  const guard = new GuardProcess({
    ...options,
    startsPastDeadline,
    report: link.report,
    onDeadline: () => link.lose(new GuardPastDeadlineError()),
  });
  const side: SupervisorSide = {
    ...options,
    link,
    guard,
    command: (act) =>
      link.command(() => {
        guard.checkDeadline();
        act();
      }),
  };
  const { command } = side;
  const close = (): void => link.arrive(() => guard.fold("closed"));
  return {
    lost: link.lost,
    setDeadline: createDeadlineSetter(side),
    spawn: async (file, args, { env }) => await spawn(side, file, { args, env }),
    killAll: () =>
      nothingLeft(
        side,
        () => guard.killEverything(),
        (reject) => (denied) => reject(new KillNotPermittedError(denied.length, denied)),
      ),
    gone: async () => void (await nothingLeft(side, () => guard.checkLeft())),
    signalAll: (signal) =>
      ask(side, () =>
        guard.signalEach((program) => {
          if (signal === "SIGKILL") program.kill();
          else if (STOPS.includes(signal)) program.term();
        }),
      ),
    signalOrphans: (_signal, { childrenOf } = {}) => command(() => guard.askOrphansFromNowOn(childrenOf)),
    survey: () => ask(side, () => guard.signalEach(() => {})),
    withdrawAtKill: (files) => ask(side, () => guard.withdrawAtKill(files)),
    get alive() {
      return guard.size;
    },
    async [Symbol.asyncDispose]() {
      link.end(new GuardLostError("it was disposed of"));
      supervisor.leave(close);
      await supervisor.ask(() => guard.over);
    },
    close,
    die() {
      guard.die();
      link.report(() => link.lose(new GuardLostError("its processes died")));
    },
    over: guard.over,
  };
}

/** What the supervisor's side of the connection works with. */
interface SupervisorSide extends SimulatedGuardOptions {
  readonly link: GuardLink;
  readonly guard: GuardProcess;
  /** Has something happen at the guard's side, after it has looked at its deadline. */
  command(act: () => void): void;
}

/** Resolves with what the guard answers. */
function ask<T>({ link, command }: SupervisorSide, answer: () => T): Promise<T> {
  return link.request<T>((resolve) =>
    command(() => {
      const value = answer();
      link.report(() => resolve(value));
    }),
  );
}

/** Settles also after the guard was lost: what is left is still being killed. */
function nothingLeft(
  { guard, command }: SupervisorSide,
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

function createDeadlineSetter({
  link,
  guard,
  command,
  clock,
  hardware,
  trustsSupervisorClock = false,
}: SupervisorSide): Guard["setDeadline"] {
  const offset = createClockOffset({ onLeap: () => {} });
  offset.take({ theirs: hardware.now(), sentAt: clock.now(), receivedAt: clock.now() });

  function soonerOf(times: ReturnType<typeof deadlineTimes>, now: number): number {
    if (!times) return Number.POSITIVE_INFINITY;
    return trustsSupervisorClock ? now + times.in : Math.min(times.at, now + times.in);
  }

  return (at) => {
    const times = deadlineTimes(at, { now: clock.now(), ahead: offset.ahead });
    const sentAt = clock.now();
    return link.request<void>((resolve, reject) =>
      command(() => {
        if (guard.folding) {
          link.report(() => reject(new GuardPastDeadlineError()));
          return;
        }
        const theirs = hardware.now();
        guard.moveDeadline(soonerOf(times, theirs));
        link.report(() => {
          offset.take({ theirs, sentAt, receivedAt: clock.now() });
          resolve();
        });
      }),
    );
  };
}

function spawn(
  { link, guard, command, startsPastDeadline = false }: SupervisorSide,
  file: string,
  start: Parameters<GuardProcess["spawn"]>[1],
): Promise<GuardedProcess> {
  return link.request<GuardedProcess>((resolve, reject) =>
    command(() => {
      const refusal = startsPastDeadline && guard.folding ? undefined : refuse(guard, file);
      if (refusal) {
        link.report(() => reject(refusal));
        return;
      }
      const exited = Promise.withResolvers<ProcessExit>();
      const { program, pid } = guard.spawn(file, start, exited.resolve);
      link.report(() =>
        resolve({
          pid,
          exited: exited.promise,
          outputEnded: exited.promise.then(() => {}),
          kill: (signal) => command(() => (signal === "SIGKILL" ? program.kill() : program.term())),
        }),
      );
    }),
  );
}

function refuse({ folding, killing }: GuardProcess, file: string): Error | undefined {
  if (folding === "deadline") return new GuardPastDeadlineError();
  return killing ? new SpawnFailedError(file, "refused", undefined) : undefined;
}
