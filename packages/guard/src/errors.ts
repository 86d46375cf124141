import type { DeniedProcess } from "./roll.ts";

/** The guard's program is not where it should be, or may not be executed. */
export class GuardMissingError extends Error {
  override readonly name = "GuardMissingError";
  readonly code = "ERR_GUARD_MISSING";
  readonly binary: string;

  constructor(binary: string, options?: ErrorOptions) {
    super(
      `no guard program at ${binary}: build it with packages/guard/build.sh (needs gcc and libc6-dev), ` +
        "or name another one in MSDHA_GUARD_BINARY",
      options,
    );
    this.binary = binary;
  }
}

/** The guard could not start: `step` is what it was doing. */
export class GuardStartError extends Error {
  override readonly name = "GuardStartError";
  readonly code = "ERR_GUARD_START";
  readonly step: string;

  constructor(step: string, why: string, options?: ErrorOptions) {
    super(`the guard did not start: ${step}: ${why}`, options);
    this.step = step;
  }
}

/** Something of another run is still alive and holds the lock file. */
export class GuardBusyError extends Error {
  override readonly name = "GuardBusyError";
  readonly code = "ERR_GUARD_BUSY";
  readonly lockFile: string;
  /** The processes that were seen holding it, as far as this one may look; may be empty. */
  readonly holders: readonly number[];

  constructor(lockFile: string, holders: readonly number[]) {
    const who = holders.length > 0 ? `processes ${holders.join(", ")}` : "a process";
    super(`${lockFile} is held by ${who} of another run`);
    this.lockFile = lockFile;
    this.holders = holders;
  }
}

/** A process of the guard died or stopped answering, or the guard was disposed of. Everything it started is being killed. */
export class GuardLostError extends Error {
  override readonly name = "GuardLostError";
  readonly code = "ERR_GUARD_LOST";

  constructor(why: string, options?: ErrorOptions) {
    super(`the guard is lost: ${why}`, options);
  }
}

/** The deadline passed: everything is being killed, and the guard starts nothing any more. */
export class GuardPastDeadlineError extends Error {
  override readonly name = "GuardPastDeadlineError";
  readonly code = "ERR_GUARD_PAST_DEADLINE";

  constructor() {
    super("the guard's deadline has passed: everything it started is killed, and it starts nothing any more");
  }
}

/**
 * Something that was started may not be signalled, so it may not be killed either: as long as it is alive, nothing that
 * rests on its end is true. It is killed as soon as that is permitted; `gone()` waits for it.
 */
export class KillNotPermittedError extends Error {
  override readonly name = "KillNotPermittedError";
  readonly code = "ERR_KILL_NOT_PERMITTED";
  /** How many there are. */
  readonly count: number;
  /** Up to eight of them; none of what can't be seen. */
  readonly processes: readonly DeniedProcess[];

  constructor(count: number, processes: readonly DeniedProcess[]) {
    const names = processes.map(
      ({ pid, name, user, errno }) => `${name} (process ${pid}, user ${user}: ${errno})`,
    );
    super(
      names.length === 0
        ? "something that was started, and that this process may not look into, is alive without a guard: it holds the lock file"
        : `the guard may not kill ${names.join(", ")}${count > names.length ? " and others" : ""}: ` +
            `it runs as user ${process.getuid?.()}, and to kill another user's processes it needs CAP_KILL`,
    );
    this.count = count;
    this.processes = processes;
  }
}

/** Where a start failed: the fork, the change to the working directory, the program itself, or the guard refused it. */
export type SpawnStep = "fork" | "cwd" | "exec" | "refused";

/** A process was not started. */
export class SpawnFailedError extends Error {
  override readonly name = "SpawnFailedError";
  readonly code = "ERR_SPAWN_FAILED";
  readonly file: string;
  readonly step: SpawnStep;
  /** The system's name for what went wrong ("ENOENT", "EACCES", …); undefined when refused. */
  readonly errno: string | undefined;

  constructor(file: string, step: SpawnStep, errno: string | undefined) {
    super(`cannot start ${file}: ${REASONS[step]}${errno ? `: ${errno}` : ""}`);
    this.file = file;
    this.step = step;
    this.errno = errno;
  }
}

const REASONS: Record<SpawnStep, string> = {
  fork: "no process or pipe for it",
  cwd: "its working directory",
  exec: "the program, or the interpreter its first line names",
  refused: "everything is being killed",
};
