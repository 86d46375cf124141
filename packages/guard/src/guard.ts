import type { KillReport, SignalReport } from "./roll.ts";

/**
 * Starts processes so that none of them, nor anything they start, outlives the deadline, this process or the guard.
 * Disposing of it kills everything at once and resolves when the guard has ended; it never rejects.
 */
export interface Guard extends AsyncDisposable {
  /**
   * Aborts when the guard is of no more use: with a `GuardLostError` when one of its processes died or did not answer
   * for `silentMs`, with a `GuardPastDeadlineError` when the deadline passed. Everything is being killed by then;
   * `gone()` tells when it is. Not aborted by disposing.
   */
  readonly lost: AbortSignal;

  /**
   * Everything is SIGKILLed at `at` (ms on the boot-time clock, as `systemClock.now()` counts; never later, up to
   * 10 ms earlier), whatever becomes of this process, and nothing is started from then on. `undefined` or `Infinity`:
   * no deadline, which is what a guard begins with. A time that has passed kills now. May be moved both ways, but not
   * once it has passed.
   *
   * Resolves when both processes of the guard have confirmed it; until then either time may be the one that counts.
   * Rejects with the reason of `lost` when that aborts first.
   */
  setDeadline(at: number | undefined): Promise<void>;

  /**
   * Starts a program in a session of its own, with the default signal handlers, standard input from /dev/null and
   * no open files but its outputs and the guard's lock file. Resolves when it has been executed. The deadline is
   * looked at once more directly before that: a program is never executed past it.
   *
   * Throws a `SpawnFailedError` when it cannot be executed or while `killAll` is at work, a `GuardPastDeadlineError`
   * past the deadline, and the reason of `lost` when that aborts first; then the program may have started, and is killed.
   * Throws a `TypeError` for an `output` that is neither, and for a null byte in what the program is given.
   */
  spawn(file: string, args: readonly string[], options: SpawnOptions): Promise<GuardedProcess>;

  /**
   * Sends a signal to everything that was started and all that descends from it, in whatever session, to each process
   * once, parents before their children as a rule. Resolves with what it reached; what is started meanwhile may be
   * missed. Throws a `TypeError` for an unknown signal; rejects with the reason of `lost`.
   */
  signalAll(signal: NodeJS.Signals): Promise<SignalReport>;

  /**
   * Sends a signal to whatever has lost its parent, such as the server of a wrapper that ended, and not to what was
   * started here itself; with `childrenOf`, also to the children of that process. Each process gets it once, and one
   * that ignores it gets SIGTERM instead. Whatever loses its parent later gets it too, until nothing is left or
   * everything is killed. Throws a `TypeError` for an unknown signal; does nothing after `lost`.
   */
  signalOrphans(signal: NodeJS.Signals, options?: { readonly childrenOf?: number | undefined }): void;

  /**
   * Sends no signal, but asks the kernel of each process whether one might be sent. Resolves with how many are alive,
   * and how many of them the guard may not kill. Rejects with the reason of `lost`.
   */
  survey(): Promise<SignalReport>;

  /**
   * Names files (absolute paths, at most four) that the guard unlinks itself each time that it kills everything, be it
   * by `killAll`, at the deadline or because this process ended, before it says that nothing is left. Takes the place
   * of the former list. Resolves when both processes of the guard have it; rejects with the reason of `lost`.
   */
  withdrawAtKill(files: readonly string[]): Promise<void>;

  /**
   * SIGKILLs everything that was started and all that descends from it. Resolves when nothing is left, with what had to
   * be killed: what ends by itself meanwhile is not counted. The guard can be used again then.
   *
   * Rejects with a `KillNotPermittedError` as soon as something can't be sent SIGKILL; that goes on being tried, and
   * another call rejects again while it is so. Rejects with a `GuardLostError` when both of the guard's processes died
   * before they could tell. A process that the kernel can't end yet is waited for without limit.
   */
  killAll(): Promise<KillReport>;

  /**
   * Resolves when no process that was started here, nor anything that descends from one, is alive, which may be at
   * once. Also after `lost`. Rejects with a `GuardLostError` when both of the guard's processes died before they
   * could tell: then nobody knows. A process that the kernel cannot kill (uninterruptible sleep) is waited for without limit.
   */
  gone(): Promise<void>;

  /** How many of the started processes have not ended (what descends from them is not counted). */
  readonly alive: number;
}

export interface SpawnOptions {
  /** The whole environment: nothing is added to it. `undefined` values are left out. `file` is looked up in its PATH. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Working directory; default: this process's own. */
  readonly cwd?: string | undefined;
  /** `inherit`: this process's own stdout and stderr. `pipe`: to `onOutput`, through the guard. */
  readonly output: "inherit" | "pipe";
  /** Called with what comes, as it comes, in order for each stream; called for nothing under `inherit`. Must not throw. */
  readonly onOutput?: ((stream: "stdout" | "stderr", chunk: Buffer) => void) | undefined;
}

export interface GuardedProcess {
  readonly pid: number;
  /**
   * Settles when the process itself has ended and all that it wrote has been given to `onOutput`; what it started may
   * be alive and write on. When the guard died meanwhile and all is known to be gone: `signal: "SIGKILL"`. Rejects with a
   * `GuardLostError` when nobody can tell any more (unhandled, that rejection is silent).
   */
  readonly exited: Promise<ProcessExit>;
  /** Resolves when nothing can write to the pipes any more (at once under `inherit`), which may be after `exited`. Never rejects. */
  readonly outputEnded: Promise<void>;
  /**
   * Sends a signal, to its whole process group with `group`. Does nothing once the process has ended: what it left
   * running can only be reached by `killAll`. Throws a `TypeError` for an unknown signal.
   */
  kill(signal: NodeJS.Signals, options?: { readonly group?: boolean | undefined }): void;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}
