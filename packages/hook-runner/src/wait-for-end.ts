import { type Clock, notNeeded } from "@msdha/clock";
import { HookFailedError, type HookRun } from "./errors.ts";
import type { LaunchedProcess } from "./launch.ts";

export interface WaitOptions {
  readonly timeoutMs?: number | undefined;
  readonly killAfterMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
  /** What is known of the run so far. */
  readonly describe: () => HookRun;
}

/**
 * Resolves when a hook has ended with code 0. Rejects with a `HookFailedError`, or with the reason of `signal`: at once
 * where there is no `killAfterMs`, else when the hook is gone.
 */
export async function waitForEnd(
  hook: string,
  running: LaunchedProcess,
  { timeoutMs = Number.POSITIVE_INFINITY, killAfterMs, signal, clock, describe }: WaitOptions,
): Promise<void> {
  const over = new AbortController();
  const interrupted = Promise.withResolvers<never>();
  const interrupt = (): void => {
    running.kill("SIGTERM");
    interrupted.reject(signal?.reason);
  };
  if (signal?.aborted) interrupt();
  // Removed below, and not by a signal of its own: of several such listeners Node may forget to remove all but the last.
  signal?.addEventListener("abort", interrupt, { once: true });
  clock.sleep(timeoutMs, { signal: over.signal }).then(
    () => {
      running.kill(killAfterMs === undefined ? "SIGKILL" : "SIGTERM");
      interrupted.reject(new HookFailedError(hook, { kind: "timeout", timeoutMs }, describe()));
    },
    () => {},
  );
  try {
    const { code, signal: endedBy } = await Promise.race([running.exited, interrupted.promise]);
    if (endedBy !== null) throw new HookFailedError(hook, { kind: "signal", signal: endedBy }, describe());
    if (code !== 0) throw new HookFailedError(hook, { kind: "exit", code: code ?? -1 }, describe());
  } catch (error) {
    if (killAfterMs !== undefined) await killAfter(running, killAfterMs, clock);
    throw error;
  } finally {
    signal?.removeEventListener("abort", interrupt);
    over.abort(notNeeded);
  }
}

/** Resolves when the hook is gone, which is killed after a while. */
async function killAfter(running: LaunchedProcess, ms: number, clock: Clock): Promise<void> {
  const gone = new AbortController();
  const killing = clock.sleep(ms, { signal: gone.signal }).then(
    () => running.kill("SIGKILL"),
    () => {},
  );
  await running.exited;
  gone.abort();
  await killing;
}
