import type { Clock } from "@msdha/clock";
import { type Guard, type GuardedProcess, SpawnFailedError } from "@msdha/guard";
import { HookNotRunnableError } from "@msdha/hook-runner";

/** The program that the node is there for. */
export interface MainProcess {
  readonly exited: GuardedProcess["exited"];
  kill(signal: NodeJS.Signals): void;
  /**
   * Asks it to end, and resolves when it has, when `timeoutMs` are over or when `signal` aborts, whichever comes
   * first, with whether it has ended.
   */
  stop(
    signal: NodeJS.Signals,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<boolean>;
}

/** Starts the `start` hook, which becomes the main process by `exec`, with the node's own standard output and error. */
export async function startMainProcess(
  guard: Guard,
  file: string,
  { env, clock }: { readonly env: Readonly<Record<string, string>>; readonly clock: Clock },
): Promise<MainProcess> {
  const main = await guard.spawn(file, [], { env, output: "inherit" }).catch((error: unknown) => {
    if (!(error instanceof SpawnFailedError)) throw error;
    throw new HookNotRunnableError("start", file, error.message, { cause: error });
  });
  return {
    exited: main.exited,
    kill: (signal) => main.kill(signal),
    async stop(stopSignal, { timeoutMs, signal }) {
      const over = new AbortController();
      main.kill(stopSignal);
      try {
        return await Promise.race([
          main.exited.then(
            () => true,
            () => false,
          ),
          clock.sleep(timeoutMs, { signal: AbortSignal.any([signal, over.signal]) }).then(
            () => false,
            () => false,
          ),
        ]);
      } finally {
        over.abort();
      }
    },
  };
}
