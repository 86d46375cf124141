import type { GuardLostError, GuardPastDeadlineError } from "@msdha/guard";
import type { Timeline } from "../world/machine-time.ts";
import type { SimulatedProcess } from "../world/process.ts";

/** The connection of a supervisor and its guard: messages take their time and stay in order. */
export interface GuardLink {
  /** Aborts when the guard is lost. */
  readonly lost: AbortSignal;
  /** Has something happen at the guard's side, unless the supervisor is frozen or dead. */
  command(act: () => void): void;
  /** The same without the supervisor: its side of the connection closes. */
  arrive(act: () => void): void;
  /** Has something happen at the supervisor's side. */
  report(act: () => void): void;
  /** Asks for something that fails when the guard is lost before it has answered. */
  request<T>(send: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T>;
  /** Refuses what is asked for from now on. */
  end(error: GuardLoss): void;
  /** The guard is lost: fails whatever was asked for and has no answer. */
  lose(error: GuardLoss): void;
}

export interface GuardLinkOptions {
  readonly supervisor: SimulatedProcess;
  readonly time: Timeline;
  /** How long the next message takes, in ms. */
  readonly latency: () => number;
}

export function createGuardLink({ supervisor, time, latency }: GuardLinkOptions): GuardLink {
  const toGuard = createPipe(time, latency);
  const toSupervisor = createPipe(time, latency);
  return {
    ...createRequests(),
    command: (act) => supervisor.leave(() => toGuard(act)),
    arrive: toGuard,
    report: (act) => toSupervisor(() => supervisor.enter(act)),
  };
}

type GuardLoss = GuardLostError | GuardPastDeadlineError;

function createRequests(): Pick<GuardLink, "lost" | "request" | "end" | "lose"> {
  const lost = new AbortController();
  const pending = new Set<(reason: Error) => void>();
  let ended: GuardLoss | undefined;
  return {
    lost: lost.signal,
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

function createPipe(time: Timeline, latency: () => number): (arrive: () => void) => void {
  let last = 0;
  return (arrive) => {
    last = Math.max(last, time.now + latency());
    time.at(last, arrive);
  };
}
