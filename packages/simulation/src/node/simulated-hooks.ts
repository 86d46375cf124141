import type { Clock } from "@msdha/clock";
import type { Guard } from "@msdha/guard";
import { HookFailedError, type HookRunner, type RunHookOptions } from "@msdha/hook-runner";

/** Runs hooks as `createHookRunner` does, but that every hook is there and is started under a simulated guard. */
export function createSimulatedHooks(guard: Guard, clock: Clock): HookRunner {
  async function run(hook: string, options: RunHookOptions): Promise<boolean> {
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
      if (code !== 0) throw new HookFailedError(hook, { kind: "exit", code: code ?? -1 });
      return true;
    } finally {
      over.abort();
    }
  }

  return { find: async (hook) => hook, run };
}
