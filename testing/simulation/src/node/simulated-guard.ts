import type { Clock } from "@msdha/clock";
import {
  createClockOffset,
  type DeniedProcess,
  deadlineTimes,
  type Guard,
  type GuardedName,
  type GuardedProcess,
  GuardLostError,
  GuardPastDeadlineError,
  KillNotPermittedError,
  type KillReport,
  type ProcessExit,
  type SignalReport,
  SpawnFailedError,
} from "@msdha/guard";
import type { Timeline } from "../world/machine-time.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { Cancel } from "../world/scheduler.ts";
import type { Program } from "./program.ts";

/** The guard as the supervisor has it, and what can be done to it from outside. */
export interface SimulatedGuard extends Guard {
  /** The supervisor has died: its side of the connection closes. */
  close(): void;
  /** The guard's own processes are killed; what they started goes with them. */
  die(): void;
  /** Resolves, for the machine, when nothing is left and nothing will be started again. */
  readonly over: Promise<void>;
}

/** Starts a program on the machine. */
export type StartProgram = (
  file: string,
  start: { readonly args: readonly string[]; readonly env: Readonly<Record<string, string | undefined>> },
  on: ProgramEvents,
) => Program;

export interface ProgramEvents {
  /** It, or something that it started, has ended. */
  readonly exit: (program: Program, exit: ProcessExit) => void;
  /** It, or something that it started, has started another one. */
  readonly fork: (program: Program) => void;
}

export interface SimulatedGuardOptions {
  /** The time of its machine. */
  readonly time: Timeline;
  /** The machine's clock: the guard does not freeze with the supervisor. */
  readonly hardware: Clock;
  readonly supervisor: SimulatedProcess;
  /** The time as the supervisor has it. */
  readonly clock: Clock;
  readonly start: StartProgram;
  /** Removes a file of the machine. */
  readonly withdraw: (file: string) => void;
  /** How long the next message between the two takes, in ms. */
  readonly latency: () => number;
  /** Breaks it: whatever is asked for past the deadline is started all the same, and never killed. */
  readonly startsPastDeadline?: boolean | undefined;
  /** Breaks it: it takes a kill time as so long from now, as the supervisor's clock has it. */
  readonly trustsSupervisorClock?: boolean | undefined;
}

/** Who waits until nothing is left. */
interface Waiter {
  readonly tell: (report: KillReport) => void;
  /** Called when something may not be killed; undefined: it waits on. */
  readonly deny: ((denied: readonly DeniedProcess[]) => void) | undefined;
}

const KILL_AGAIN_MS = 100;

/** What a program takes for a wish that it end. */
const STOPS: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGQUIT"];

/**
 * The guard: a process of its own that goes on while the supervisor is frozen or dead. Commands reach it in order, and
 * so do its reports the supervisor. Past the deadline, or once its supervisor is gone, it kills everything for good.
 */
export function createSimulatedGuard(options: SimulatedGuardOptions): SimulatedGuard {
  const { time, hardware, supervisor, clock, start, withdraw, latency } = options;
  const { startsPastDeadline = false, trustsSupervisorClock = false } = options;
  const offset = createClockOffset({ onLeap: () => {} });
  offset.take({ theirs: hardware.now(), sentAt: clock.now(), receivedAt: clock.now() });
  const lost = new AbortController();
  const programs = new Set<Program>();
  const over = Promise.withResolvers<void>();
  let ended: GuardLostError | GuardPastDeadlineError | undefined;
  let folding: "deadline" | "closed" | undefined;
  let killing = false;
  let deadline = Number.POSITIVE_INFINITY;
  let calledOff: Cancel = () => {};
  let withdrawn: readonly string[] = [];
  const killed = new Set<Program>();
  /** By whom each fork was started. */
  const parents = new Map<Program, Program>();
  const pids = new Map<Program, number>();
  let lastPid = 1;
  let orphansAsked: { readonly childrenOf: number | undefined } | undefined;
  let triesAgain = false;
  const whenNothingIsLeft: Waiter[] = [];
  const pending = new Set<(reason: Error) => void>();
  const toGuard = createPipe(time, latency);
  const toSupervisor = createPipe(time, latency);

  function command(act: () => void): void {
    supervisor.leave(() =>
      toGuard(() => {
        checkDeadline();
        act();
      }),
    );
  }

  function report(act: () => void): void {
    toSupervisor(() => supervisor.enter(act));
  }

  function checkDeadline(): void {
    if (hardware.now() >= deadline) fold("deadline");
  }

  function fold(why: "deadline" | "closed"): void {
    if (folding) return;
    folding = why;
    if (why === "deadline") report(() => lose(new GuardPastDeadlineError()));
    killEverything();
  }

  function killEverything(): void {
    killing = true;
    for (const file of withdrawn) withdraw(file);
    killAgain();
    checkLeft();
  }

  /** What may not be killed is tried again and again. */
  function killAgain(): void {
    if (!killing) return;
    for (const program of programs) kill(program);
    const denied = deniedOf(programs);
    if (denied.length === 0) return;
    for (const { deny } of whenNothingIsLeft) report(() => deny?.(denied));
    tryAgain();
  }

  function tryAgain(): void {
    if (triesAgain) return;
    triesAgain = true;
    time.after(KILL_AGAIN_MS, () => {
      triesAgain = false;
      killAgain();
    });
  }

  function kill(program: Program): void {
    program.kill();
    if (program.killed) killed.add(program);
  }

  function checkLeft(): void {
    if (programs.size > 0) return;
    killing = folding !== undefined;
    orphansAsked = undefined;
    const left = { killed: killed.size, someKilled: namesOf([...killed]) };
    killed.clear();
    for (const { tell } of whenNothingIsLeft.splice(0)) report(() => tell(left));
    if (folding) over.resolve();
  }

  function lose(error: GuardLostError | GuardPastDeadlineError): void {
    if (ended) return;
    ended = error;
    lost.abort(error);
    for (const reject of [...pending]) reject(error);
  }

  /** A request that fails when the guard is lost before it is answered. */
  function request<T>(
    send: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T> {
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
  }

  function setDeadline(at: number | undefined): Promise<void> {
    const times = deadlineTimes(at, { now: clock.now(), ahead: offset.ahead });
    const sentAt = clock.now();
    return request<void>((resolve, reject) =>
      command(() => {
        if (folding) {
          report(() => reject(new GuardPastDeadlineError()));
          return;
        }
        const theirs = hardware.now();
        deadline = soonerOf(times, theirs);
        calledOff();
        calledOff = sleepUntil(deadline);
        checkDeadline();
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

  function sleepUntil(at: number): Cancel {
    if (!Number.isFinite(at)) return () => {};
    const waiting = new AbortController();
    hardware.sleep(at - hardware.now(), { signal: waiting.signal }).then(checkDeadline, () => {});
    return () => waiting.abort("moved");
  }

  function spawn(
    file: string,
    args: readonly string[],
    { env }: Parameters<Guard["spawn"]>[2],
  ): Promise<GuardedProcess> {
    return request<GuardedProcess>((resolve, reject) =>
      command(() => {
        if (startsPastDeadline && folding) report(startGuarded(file, { args, env }, resolve));
        else if (folding === "deadline") report(() => reject(new GuardPastDeadlineError()));
        else if (killing) report(() => reject(new SpawnFailedError(file, "refused", undefined)));
        else report(startGuarded(file, { args, env }, resolve));
      }),
    );
  }

  function startGuarded(
    file: string,
    what: Parameters<StartProgram>[1],
    resolve: (process: GuardedProcess) => void,
  ): () => void {
    const exited = Promise.withResolvers<ProcessExit>();
    const program = start(file, what, {
      exit: (ended, exit) => {
        if (ended === program) report(() => exited.resolve(exit));
        forget(ended);
      },
      fork(child) {
        parents.set(child, program);
        add(child);
        askOrphans();
      },
    });
    lastPid += 1;
    const pid = lastPid;
    pids.set(program, pid);
    add(program);
    return () =>
      resolve({
        pid,
        exited: exited.promise,
        outputEnded: exited.promise.then(() => {}),
        kill: (signal) => command(() => (signal === "SIGKILL" ? program.kill() : program.term())),
      });
  }

  function add(program: Program): void {
    programs.add(program);
    if (killing && !startsPastDeadline) kill(program);
  }

  function forget(program: Program): void {
    programs.delete(program);
    askOrphans();
    if (killing || whenNothingIsLeft.length > 0) checkLeft();
  }

  /** Asks everything to end that has lost its parent, and the children of one process; each is asked once. */
  function askOrphans(): void {
    if (!orphansAsked || killing) return;
    for (const [child, parent] of parents) {
      if (parent.alive && pids.get(parent) !== orphansAsked.childrenOf) continue;
      parents.delete(child);
      child.term();
    }
  }

  /** Settles also after the guard was lost: what is left is still being killed. */
  function nothingLeft(
    act: () => void,
    deny?: (reject: (error: Error) => void) => Waiter["deny"],
  ): Promise<KillReport> {
    return new Promise((tell, reject) => {
      command(() => {
        whenNothingIsLeft.push({ tell, deny: deny?.(reject) });
        act();
      });
    });
  }

  function signalEach(act: (program: Program) => void): Promise<SignalReport> {
    return request((resolve) =>
      command(() => {
        const reached = [...programs];
        for (const program of reached) act(program);
        const denied = deniedOf(reached);
        const answer = {
          reached: reached.length - denied.length,
          someReached: namesOf(reached.filter(({ foreignSince }) => foreignSince === undefined)),
          denied: denied.length,
          someDenied: denied,
        };
        report(() => resolve(answer));
      }),
    );
  }

  function withdrawAtKill(files: readonly string[]): Promise<void> {
    return request<void>((resolve) =>
      command(() => {
        withdrawn = files;
        report(() => resolve());
      }),
    );
  }

  function close(): void {
    toGuard(() => fold("closed"));
  }

  return {
    lost: lost.signal,
    setDeadline,
    spawn,
    killAll: () =>
      nothingLeft(
        killEverything,
        (reject) => (denied) => reject(new KillNotPermittedError(denied.length, denied)),
      ),
    gone: async () => void (await nothingLeft(checkLeft)),
    signalAll: (signal) =>
      signalEach((program) => {
        if (signal === "SIGKILL") program.kill();
        else if (STOPS.includes(signal)) program.term();
      }),
    signalOrphans: (_signal, { childrenOf } = {}) =>
      command(() => {
        orphansAsked = { childrenOf };
        askOrphans();
      }),
    survey: () => signalEach(() => {}),
    withdrawAtKill,
    get alive() {
      return programs.size;
    },
    async [Symbol.asyncDispose]() {
      ended ??= new GuardLostError("it was disposed of");
      supervisor.leave(close);
      await supervisor.ask(() => over.promise);
    },
    close,
    die() {
      folding ??= "closed";
      killEverything();
      report(() => lose(new GuardLostError("its processes died")));
    },
    over: over.promise,
  };
}

function deniedOf(programs: Iterable<Program>): DeniedProcess[] {
  return [...programs]
    .filter(({ foreignSince }) => foreignSince !== undefined)
    .map(({ name }) => ({ pid: 1, name, user: 101, errno: "EPERM" }));
}

function namesOf(programs: readonly Program[]): GuardedName[] {
  return programs.slice(0, 8).map(({ name }) => ({ pid: 1, name }));
}

/** Messages take their time and stay in order. */
function createPipe(time: Timeline, latency: () => number): (arrive: () => void) => void {
  let last = 0;
  return (arrive) => {
    last = Math.max(last, time.now + latency());
    time.at(last, arrive);
  };
}
