/** How a process ended: with `code`, or by `signal`. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LaunchedProcess {
  /**
   * Resolves when the process has ended and everything that it wrote itself has been passed to `onOutput`. Processes that
   * it started may live on, and may write more. Never rejects.
   */
  readonly exited: Promise<ProcessExit>;
  /** Sends a signal; does nothing when the process has ended. */
  kill(signal: NodeJS.Signals): void;
}

export interface LaunchOptions {
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder that it begins in. Default: this process's. */
  readonly cwd?: string | undefined;
  /** What it finds on its standard input, which then ends. Default: nothing. */
  readonly input?: string | Uint8Array | undefined;
  /** Receives the output of the process, in pieces of any size. */
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
}

/** A program could not be started: it is missing, its interpreter is, or the system refuses. */
export class LaunchFailedError extends Error {
  override readonly name = "LaunchFailedError";
  readonly code = "ERR_LAUNCH_FAILED";
  /** The system's name for what went wrong ("ENOENT", "ETXTBSY", …), where there is one. */
  readonly errno: string | undefined;

  constructor(
    message: string,
    { errno, ...options }: ErrorOptions & { readonly errno?: string | undefined } = {},
  ) {
    super(message, options);
    this.errno = errno;
  }
}

/** Returns whether `error` is a `LaunchFailedError`, also one of another copy of this package. */
export function isLaunchFailure(error: unknown): error is LaunchFailedError {
  return error instanceof Error && "code" in error && error.code === "ERR_LAUNCH_FAILED";
}

/**
 * Starts a program. Rejects with a `LaunchFailedError` when it can't be started. One that can't set a folder or an input
 * must throw a `TypeError` for them.
 */
export type Launch = (
  file: string,
  args: readonly string[],
  options: LaunchOptions,
) => Promise<LaunchedProcess>;
