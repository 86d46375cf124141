import type { Clock } from "@msdha/clock";
import { systemClock } from "@msdha/clock";
import { HookNotRunnableError, type HookRun } from "./errors.ts";
import { explainLaunch } from "./explain-launch.ts";
import { findHook } from "./find-hook.ts";
import { keepLastLines } from "./last-lines.ts";
import { isLaunchFailure, type Launch, type LaunchedProcess } from "./launch.ts";
import { launchWithExeca } from "./launch-with-execa.ts";
import { limitLines } from "./limit-lines.ts";
import { listHooks } from "./list-hooks.ts";
import { splitLines } from "./split-lines.ts";
import { waitForEnd } from "./wait-for-end.ts";
import { LONGEST_BUSY_MS, whileBusy } from "./while-busy.ts";

export interface HookRunnerOptions {
  /** The folder of the hooks; a hook is an executable file in it that bears the hook's name. */
  readonly dir: string;
  /** How a hook is started; default: as a child of this process. */
  readonly launch?: Launch;
  /**
   * Receives the hooks' output, line by line, for a log: beyond 10,000 lines at once and 1,000 a second (a line of 1,280
   * characters counts as eleven), a run's lines are left out and counted, but for the last 20 of them. Must not throw.
   */
  readonly onLine?: (hook: string, stream: "stdout" | "stderr", line: string) => void;
  readonly clock?: Clock;
}

export interface RunHookOptions {
  /** The whole environment of the hook. */
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /**
   * Receives all of this run's standard output too, line by line, each line after the runner's own `onLine` had it. Of a line of more
   * than 8,192 characters it receives so many and a `…`, so that its end is not taken for a line. Must not throw.
   */
  readonly onStdout?: (line: string) => void;
  /** How long the hook may take, in milliseconds; default: no limit. A hook that takes longer is killed. */
  readonly timeoutMs?: number;
  /**
   * Sends SIGTERM to the hook; `run` rejects with the reason at once, and does not wait for the hook to end. What the
   * hook writes until then still goes to `onLine`.
   */
  readonly signal?: AbortSignal;
  /**
   * How long a hook may go on after SIGTERM, which it is sent at its `timeoutMs` and by `signal`, before it is sent SIGKILL.
   * `run` settles when it is gone. Default: see `timeoutMs` and `signal`.
   */
  readonly killAfterMs?: number;
  /** The folder that the hook begins in. Default: this process's. */
  readonly cwd?: string;
  /** What it finds on its standard input. Default: nothing. */
  readonly input?: string | Uint8Array;
}

export interface HookRunner {
  /**
   * Resolves with the absolute path of a hook, or undefined when there is none. Rejects with a `HookNotRunnableError` when the
   * name is there but is no executable file, or when the system can't tell, so that no hook is skipped silently; with a
   * `TypeError` for a name with a `/` or a null byte.
   */
  find(hook: string): Promise<string | undefined>;
  /**
   * Runs a hook. Resolves when it has ended with code 0 and all its output has been passed on: with what is known of the
   * run, or with undefined when there is no such hook. Rejects with a `HookFailedError`, a `HookNotRunnableError`, or the reason of
   * `signal`; with a `TypeError` for a time that is none. A hook that timed out was sent SIGKILL. Does not wait for processes that a hook leaves running. A hook whose file is open for writing, or for
   * which there is no process, memory or descriptor now, is started again and again for up to 10 s.
   */
  run(hook: string, options: RunHookOptions): Promise<HookRun | undefined>;
}

/** The hooks of a folder. */
export interface HookFolder extends HookRunner {
  /**
   * Runs every hook of the folder, one after the other, in the order of their names by code units (`10-a` comes before
   * `9-b`). Names that begin with a dot are left out. Resolves with each hook's run: with none where there is no such folder.
   * Rejects as `run` does, and does not start the hooks after the one that failed. Rejects before the first one with a
   * `HookNotRunnableError` for a name that is no UTF-8, and with the system's error when the folder can't be read.
   */
  runAll(options: RunHookOptions): Promise<ReadonlyMap<string, HookRun>>;
}

/** Returns a runner for the hooks in one folder. The folder is read again at every run. */
export function createHookRunner({
  dir,
  launch = launchWithExeca,
  onLine = () => {},
  clock = systemClock,
}: HookRunnerOptions): HookFolder {
  const find = (hook: string): Promise<string | undefined> => findHook(dir, hook);

  async function run(hook: string, { args = [], ...options }: RunHookOptions): Promise<HookRun | undefined> {
    refuseTime("timeoutMs", options.timeoutMs);
    refuseTime("killAfterMs", options.killAfterMs);
    options.signal?.throwIfAborted();
    const file = await find(hook);
    if (file === undefined) return undefined;
    options.signal?.throwIfAborted();
    const kept = keepLastLines();
    const limit = limitLines((stream, line) => onLine(hook, stream, line), { clock });
    const lines = {
      stdout: splitLines((line, piece) => {
        kept.add(line);
        limit.add("stdout", line);
        if (piece !== "later") options.onStdout?.(piece === "first" ? `${line}…` : line);
      }),
      stderr: splitLines((line) => {
        kept.add(line);
        limit.add("stderr", line);
      }),
    };
    const begun = clock.now();
    const describe = (): HookRun => ({ durationMs: clock.now() - begun, lastLines: kept.lines });
    const { env, cwd, input, timeoutMs, killAfterMs, signal } = options;
    const start = (): Promise<LaunchedProcess> =>
      launch(file, args, {
        env,
        cwd,
        input,
        onOutput(stream, chunk) {
          limit.look();
          lines[stream].write(chunk);
        },
      });
    const running = await whileBusy(start, {
      clock,
      signal,
      ...(timeoutMs !== undefined && { patienceMs: Math.min(timeoutMs, LONGEST_BUSY_MS) }),
    }).catch(async (error: unknown) => {
      if (!isLaunchFailure(error)) throw error;
      const why = (await explainLaunch(error, { file, cwd })) ?? error.message;
      throw new HookNotRunnableError(hook, file, why, { cause: error });
    });
    // Not when `run` settles: a hook that was interrupted may still write what its trap has to say.
    const lastLines = running.exited.finally(() => {
      lines.stdout.end();
      lines.stderr.end();
      limit.end();
    });
    lastLines.catch(() => {});
    const ending = { ...running, exited: lastLines };
    await waitForEnd(hook, ending, { timeoutMs, killAfterMs, signal, clock, describe });
    return describe();
  }

  async function runAll(options: RunHookOptions): Promise<ReadonlyMap<string, HookRun>> {
    const runs = new Map<string, HookRun>();
    for (const name of await listHooks(dir)) {
      const done = await run(name, options);
      if (done) runs.set(name, done);
    }
    return runs;
  }

  return { find, run, runAll };
}

/** Throws a `TypeError` unless `ms` is a length of time, `Infinity` included: a timer takes anything else for none. */
function refuseTime(name: string, ms: number | undefined): void {
  if (ms === undefined || (typeof ms === "number" && ms >= 0)) return;
  throw new TypeError(`expected a ${name} of 0 or more, got ${String(ms)}`);
}
