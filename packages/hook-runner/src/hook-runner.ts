import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@msdha/clock";
import { systemClock } from "@msdha/clock";
import { HookFailedError, HookNotRunnableError } from "./errors.ts";
import { type Launch, type LaunchedProcess, LaunchFailedError } from "./launch.ts";
import { launchWithExeca } from "./launch-with-execa.ts";
import { splitLines } from "./split-lines.ts";

export interface HookRunnerOptions {
  /** The folder of the hooks; a hook is an executable file in it that bears the hook's name. */
  readonly dir: string;
  /** How a hook is started; as a child of this process unless told otherwise. */
  readonly launch?: Launch;
  /** Takes the hooks' output, line by line. */
  readonly onLine?: (hook: string, stream: "stdout" | "stderr", line: string) => void;
  readonly clock?: Clock;
}

export interface RunHookOptions {
  /** The whole environment of the hook. */
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Takes this run's standard output too, line by line, beside the runner's own `onLine`. */
  readonly onStdout?: (line: string) => void;
  /** How long the hook may take, in milliseconds; without end unless told otherwise. */
  readonly timeoutMs?: number;
  /** Ends the hook with SIGTERM; `run` then rejects with the signal's reason at once, the hook may take its time. */
  readonly signal?: AbortSignal;
}

export interface HookRunner {
  /**
   * Resolves with the file of a hook, or undefined when there is none. Rejects with a `HookNotRunnableError` when
   * there is something of that name that is not an executable file: a hook is never skipped in silence.
   */
  find(hook: string): Promise<string | undefined>;
  /**
   * Runs a hook to its end; false when there is none. Rejects with a `HookFailedError`, a `HookNotRunnableError`, or
   * the reason of `signal`. A hook that timed out has been sent SIGKILL. What a hook leaves running is not waited for.
   */
  run(hook: string, options: RunHookOptions): Promise<boolean>;
}

/** Makes a runner for the hooks in one folder. The folder is read anew at every run. */
export function createHookRunner({
  dir,
  launch = launchWithExeca,
  onLine = () => {},
  clock = systemClock,
}: HookRunnerOptions): HookRunner {
  async function find(hook: string): Promise<string | undefined> {
    const file = join(dir, hook);
    try {
      if (!(await stat(file)).isFile()) throw new HookNotRunnableError(hook, file, "it is not a file");
      await access(file, constants.X_OK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return undefined;
      if (code === "EACCES") throw new HookNotRunnableError(hook, file, "it is not executable (chmod +x)");
      throw error;
    }
    return file;
  }

  async function run(hook: string, { args = [], ...options }: RunHookOptions): Promise<boolean> {
    options.signal?.throwIfAborted();
    const file = await find(hook);
    if (file === undefined) return false;
    options.signal?.throwIfAborted();
    const lines = {
      stdout: splitLines((line) => {
        onLine(hook, "stdout", line);
        options.onStdout?.(line);
      }),
      stderr: splitLines((line) => onLine(hook, "stderr", line)),
    };
    const running = await launch(file, args, {
      env: options.env,
      onOutput: (stream, chunk) => lines[stream].write(chunk),
    }).catch((error: unknown) => {
      if (!(error instanceof LaunchFailedError)) throw error;
      throw new HookNotRunnableError(hook, file, error.message, { cause: error });
    });
    try {
      await waitForEnd(hook, running, options, clock);
    } finally {
      lines.stdout.end();
      lines.stderr.end();
    }
    return true;
  }

  return { find, run };
}

async function waitForEnd(
  hook: string,
  running: LaunchedProcess,
  { timeoutMs = Number.POSITIVE_INFINITY, signal }: RunHookOptions,
  clock: Clock,
): Promise<void> {
  const over = new AbortController();
  const interrupted = new Promise<never>((_, reject) => {
    signal?.addEventListener(
      "abort",
      () => {
        running.kill("SIGTERM");
        reject(signal.reason);
      },
      { once: true, signal: over.signal },
    );
    if (signal?.aborted) {
      running.kill("SIGTERM");
      reject(signal.reason);
    }
    clock.sleep(timeoutMs, { signal: over.signal }).then(
      () => {
        running.kill("SIGKILL");
        reject(new HookFailedError(hook, { kind: "timeout", timeoutMs }));
      },
      () => {},
    );
  });
  try {
    const { code, signal: endedBy } = await Promise.race([running.exited, interrupted]);
    if (endedBy !== null) throw new HookFailedError(hook, { kind: "signal", signal: endedBy });
    if (code !== 0) throw new HookFailedError(hook, { kind: "exit", code: code ?? -1 });
  } finally {
    over.abort();
  }
}
