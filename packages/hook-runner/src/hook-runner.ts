import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock } from "@msdha/clock";
import { systemClock } from "@msdha/clock";
import { HookFailedError, HookNotRunnableError } from "./errors.ts";
import { explainInterpreter } from "./explain-interpreter.ts";
import { isLaunchFailure, type Launch, type LaunchedProcess, type LaunchFailedError } from "./launch.ts";
import { launchWithExeca } from "./launch-with-execa.ts";
import { splitLines } from "./split-lines.ts";
import { LONGEST_BUSY_MS, whileBusy } from "./while-busy.ts";

export interface HookRunnerOptions {
  /** The folder of the hooks; a hook is an executable file in it that bears the hook's name. */
  readonly dir: string;
  /** How a hook is started; default: as a child of this process. */
  readonly launch?: Launch;
  /** Receives the hooks' output, line by line. */
  readonly onLine?: (hook: string, stream: "stdout" | "stderr", line: string) => void;
  readonly clock?: Clock;
}

export interface RunHookOptions {
  /** The whole environment of the hook. */
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Receives this run's standard output too, line by line, after the runner's own `onLine`. */
  readonly onStdout?: (line: string) => void;
  /** How long the hook may take, in milliseconds; default: no limit. A hook that takes longer is killed. */
  readonly timeoutMs?: number;
  /**
   * Sends SIGTERM to the hook; `run` rejects with the reason at once, and does not wait for the hook to end. What the
   * hook writes until then still goes to `onLine`.
   */
  readonly signal?: AbortSignal;
}

export interface HookRunner {
  /**
   * Resolves with the file of a hook, or undefined when there is none. Rejects with a `HookNotRunnableError` when the name
   * is there but is no executable file, so that no hook is skipped silently; with a `TypeError` for a name with a `/`.
   */
  find(hook: string): Promise<string | undefined>;
  /**
   * Runs a hook. Resolves when it has ended and all its output has been passed on: with true, or with false when there is
   * no such hook. Rejects with a `HookFailedError`, a `HookNotRunnableError`, or the reason of `signal`. A hook that timed
   * out was sent SIGKILL. Does not wait for processes that a hook leaves running. A hook whose file is open for writing is
   * started again and again for up to 10 s.
   */
  run(hook: string, options: RunHookOptions): Promise<boolean>;
}

/** Returns a runner for the hooks in one folder. The folder is read again at every run. */
export function createHookRunner({
  dir,
  launch = launchWithExeca,
  onLine = () => {},
  clock = systemClock,
}: HookRunnerOptions): HookRunner {
  async function find(hook: string): Promise<string | undefined> {
    if (hook !== basename(hook) || hook === ".." || hook === "." || hook === "") {
      throw new TypeError(`expected the name of a file in ${dir}, got ${JSON.stringify(hook)}`);
    }
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
    const start = (): Promise<LaunchedProcess> =>
      launch(file, args, {
        env: options.env,
        onOutput: (stream, chunk) => lines[stream].write(chunk),
      });
    const running = await whileBusy(start, {
      clock,
      signal: options.signal,
      ...(options.timeoutMs !== undefined && { patienceMs: Math.min(options.timeoutMs, LONGEST_BUSY_MS) }),
    }).catch(async (error: unknown) => {
      if (!isLaunchFailure(error)) throw error;
      const why = (await explain(error, file)) ?? error.message;
      throw new HookNotRunnableError(hook, file, why, { cause: error });
    });
    // Not when `run` settles: a hook that was interrupted may still write what its trap has to say.
    const lastLines = running.exited.finally(() => {
      lines.stdout.end();
      lines.stderr.end();
    });
    lastLines.catch(() => {});
    await waitForEnd(hook, { ...running, exited: lastLines }, options, clock);
    return true;
  }

  return { find, run };
}

async function explain({ errno }: LaunchFailedError, file: string): Promise<string | undefined> {
  if (errno === "ETXTBSY") return "its file has been open for writing all the time (ETXTBSY)";
  return await explainInterpreter(file);
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
