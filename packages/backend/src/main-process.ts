import { hasCode } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import type { Guard, GuardedProcess, SpawnFailedError } from "@msdha/guard";
import { explainInterpreter, HookNotRunnableError, whileBusy } from "@msdha/hook-runner";
import { START_FOLDER } from "./start-folder.ts";

/** The program that the node is there for. */
export type MainProcess = Pick<GuardedProcess, "pid" | "exited" | "kill">;

export interface StartOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The main process of a node, from its start on. */
export interface MainProcessKeeper {
  /** undefined before the start. */
  readonly started: MainProcess | undefined;
  /** Starts the `start` hook, which becomes the main process by `exec`, with the node's own standard output and error. */
  start(guard: Guard, file: string, options: StartOptions): Promise<MainProcess>;
}

export function keepMainProcess(): MainProcessKeeper {
  let started: MainProcess | undefined;
  return {
    get started() {
      return started;
    },
    async start(guard, file, options) {
      started = await startMainProcess(guard, file, options);
      return started;
    },
  };
}

async function startMainProcess(
  guard: Guard,
  file: string,
  { env, clock, signal }: StartOptions,
): Promise<MainProcess> {
  const options = { env, cwd: START_FOLDER, output: "inherit" } as const;
  const start = (): Promise<MainProcess> => guard.spawn(file, [], options);
  return await whileBusy(start, { clock, signal }).catch(async (error: unknown) => {
    if (!hasCode<SpawnFailedError>(error, "ERR_SPAWN_FAILED")) throw error;
    const why = (await explainInterpreter(file)) ?? error.message;
    throw new HookNotRunnableError("start", file, why, { cause: error });
  });
}
