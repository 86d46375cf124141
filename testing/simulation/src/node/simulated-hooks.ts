import type { Clock } from "@msdha/clock";
import type { Guard } from "@msdha/guard";
import { HookFailedError, type HookRunner, type RunHookOptions } from "@msdha/hook-runner";

export interface SimulatedHooksOptions {
  readonly clock: Clock;
  /** What the `candidate` hook writes; there is none without it. */
  readonly rank: (() => number) | undefined;
}

/** Runs hooks as `createHookRunner` does, but that they are all there, and started under a simulated guard. */
export function createSimulatedHooks(guard: Guard, { clock, rank }: SimulatedHooksOptions): HookRunner {
  const exists = (hook: string): boolean => hook !== "candidate" || rank !== undefined;

  async function run(hook: string, options: RunHookOptions): Promise<boolean> {
    if (!exists(hook)) return false;
    const { env, args = [], signal, timeoutMs = Number.POSITIVE_INFINITY } = options;
    signal?.throwIfAborted();
    const running = await guard.spawn(hook, args, { env, output: "pipe" });
    const over = new AbortController();
    const interrupted = new Promise<never>((_, reject) => {
      const interrupt = (): void => {
        running.kill("SIGTERM");
        reject(signal?.reason);
      };
      if (signal?.aborted) interrupt();
      signal?.addEventListener("abort", interrupt, { once: true, signal: over.signal });
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
      if (hook === "candidate") options.onStdout?.(String(rank?.()));
      if (code !== 0) throw new HookFailedError(hook, { kind: "exit", code: code ?? -1 });
      return true;
    } finally {
      over.abort();
    }
  }

  return { find: async (hook) => (exists(hook) ? hook : undefined), run };
}
