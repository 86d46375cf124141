import type { Clock } from "@msdha/clock";
import type { DeniedProcess, GuardedName, KillReport, SignalReport } from "@msdha/guard";
import type { ProcessExit } from "@msdha/hook-runner";
import type { Timeline } from "../world/machine-time.ts";
import type { Cancel } from "../world/scheduler.ts";
import type { Program } from "./program.ts";

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

export interface GuardProcessOptions {
  /** The time of its machine. */
  readonly time: Timeline;
  /** The machine's clock: the guard does not freeze with the supervisor. */
  readonly hardware: Clock;
  readonly start: StartProgram;
  /** Removes a file of the machine. */
  readonly withdraw: (file: string) => void;
  /** Breaks it: whatever is asked for past the deadline is started all the same, and never killed. */
  readonly startsPastDeadline: boolean;
  /** Sends the supervisor a message. */
  readonly report: (act: () => void) => void;
  /** Called, as a message, when the deadline has passed. */
  readonly onDeadline: () => void;
}

/** Who waits until nothing is left. */
export interface Waiter {
  readonly tell: (report: KillReport) => void;
  /** Called when something may not be killed; undefined: it waits on. */
  readonly deny: ((denied: readonly DeniedProcess[]) => void) | undefined;
}

/** Why a guard has begun to kill for good. */
type Folding = "deadline" | "closed";

const KILL_AGAIN_MS = 100;

/** The guard's own side: it has the programs, and kills them. */
export class GuardProcess {
  readonly #options: GuardProcessOptions;
  readonly #programs = new Set<Program>();
  readonly #over = Promise.withResolvers<void>();
  readonly #killed = new Set<Program>();
  /** By whom each fork was started. */
  readonly #parents = new Map<Program, Program>();
  readonly #pids = new Map<Program, number>();
  readonly #whenNothingIsLeft: Waiter[] = [];
  #folding: Folding | undefined;
  #killing = false;
  #deadline = Number.POSITIVE_INFINITY;
  #calledOff: Cancel = () => {};
  #withdrawn: readonly string[] = [];
  #lastPid = 1;
  #orphansAsked: { readonly childrenOf: number | undefined } | undefined;
  #triesAgain = false;

  constructor(options: GuardProcessOptions) {
    this.#options = options;
  }

  /** Resolves when nothing is left and nothing will be started again. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  get folding(): Folding | undefined {
    return this.#folding;
  }

  get killing(): boolean {
    return this.#killing;
  }

  get size(): number {
    return this.#programs.size;
  }

  checkDeadline(): void {
    if (this.#options.hardware.now() >= this.#deadline) this.fold("deadline");
  }

  moveDeadline(at: number): void {
    this.#deadline = at;
    this.#calledOff();
    this.#calledOff = this.#sleepUntil(at);
    this.checkDeadline();
  }

  /** Kills everything for good. */
  fold(why: Folding): void {
    if (this.#folding) return;
    this.#folding = why;
    if (why === "deadline") this.#options.report(this.#options.onDeadline);
    this.killEverything();
  }

  /** The guard's own processes are killed. */
  die(): void {
    this.#folding ??= "closed";
    this.killEverything();
  }

  killEverything(): void {
    this.#killing = true;
    for (const file of this.#withdrawn) this.#options.withdraw(file);
    this.#killAgain();
    this.checkLeft();
  }

  checkLeft(): void {
    if (this.#programs.size > 0) return;
    this.#killing = this.#folding !== undefined;
    this.#orphansAsked = undefined;
    const left = { killed: this.#killed.size, someKilled: namesOf([...this.#killed]) };
    this.#killed.clear();
    for (const { tell } of this.#whenNothingIsLeft.splice(0)) this.#options.report(() => tell(left));
    if (this.#folding) this.#over.resolve();
  }

  tellWhenNothingIsLeft(waiter: Waiter): void {
    this.#whenNothingIsLeft.push(waiter);
  }

  withdrawAtKill(files: readonly string[]): void {
    this.#withdrawn = files;
  }

  /** Starts a program; what it starts is the guard's too. */
  spawn(
    file: string,
    what: Parameters<StartProgram>[1],
    onExit: (exit: ProcessExit) => void,
  ): { readonly program: Program; readonly pid: number } {
    const program = this.#options.start(file, what, {
      exit: (ended, exit) => {
        if (ended === program) this.#options.report(() => onExit(exit));
        this.#forget(ended);
      },
      fork: (child) => {
        this.#parents.set(child, program);
        this.#add(child);
        this.#askOrphans();
      },
    });
    this.#lastPid += 1;
    const pid = this.#lastPid;
    this.#pids.set(program, pid);
    this.#add(program);
    return { program, pid };
  }

  /** Asks everything to end that has lost its parent, and the children of one process, now and later. */
  askOrphansFromNowOn(childrenOf: number | undefined): void {
    this.#orphansAsked = { childrenOf };
    this.#askOrphans();
  }

  signalEach(act: (program: Program) => void): SignalReport {
    const reached = [...this.#programs];
    for (const program of reached) act(program);
    const denied = deniedOf(reached);
    return {
      reached: reached.length - denied.length,
      someReached: namesOf(reached.filter(({ foreignSince }) => foreignSince === undefined)),
      denied: denied.length,
      someDenied: denied,
    };
  }

  #sleepUntil(at: number): Cancel {
    if (!Number.isFinite(at)) return () => {};
    const { hardware } = this.#options;
    const waiting = new AbortController();
    hardware.sleep(at - hardware.now(), { signal: waiting.signal }).then(
      () => this.checkDeadline(),
      () => {},
    );
    return () => waiting.abort("moved");
  }

  /** What may not be killed is tried again and again. */
  #killAgain(): void {
    if (!this.#killing) return;
    for (const program of this.#programs) this.#kill(program);
    const denied = deniedOf(this.#programs);
    if (denied.length === 0) return;
    for (const { deny } of this.#whenNothingIsLeft) this.#options.report(() => deny?.(denied));
    this.#tryAgain();
  }

  #tryAgain(): void {
    if (this.#triesAgain) return;
    this.#triesAgain = true;
    this.#options.time.after(KILL_AGAIN_MS, () => {
      this.#triesAgain = false;
      this.#killAgain();
    });
  }

  #kill(program: Program): void {
    program.kill();
    if (program.killed) this.#killed.add(program);
  }

  #add(program: Program): void {
    this.#programs.add(program);
    if (this.#killing && !this.#options.startsPastDeadline) this.#kill(program);
  }

  #forget(program: Program): void {
    this.#programs.delete(program);
    this.#askOrphans();
    if (this.#killing || this.#whenNothingIsLeft.length > 0) this.checkLeft();
  }

  /** Each is asked once. */
  #askOrphans(): void {
    if (!this.#orphansAsked || this.#killing) return;
    for (const [child, parent] of this.#parents) {
      if (parent.alive && this.#pids.get(parent) !== this.#orphansAsked.childrenOf) continue;
      this.#parents.delete(child);
      child.term();
    }
  }
}

function deniedOf(programs: Iterable<Program>): DeniedProcess[] {
  return [...programs]
    .filter(({ foreignSince }) => foreignSince !== undefined)
    .map(({ name }) => ({ pid: 1, name, user: 101, errno: "EPERM" }));
}

function namesOf(programs: readonly Program[]): GuardedName[] {
  return programs.slice(0, 8).map(({ name }) => ({ pid: 1, name }));
}
