import { hasCode } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import type { Guard, GuardedProcess, SpawnFailedError } from "@msdha/guard";
import { HookNotRunnableError, whileBusy } from "@msdha/hook-runner";
import { START_FOLDER } from "./start-folder.ts";

/** The program that the node is there for. */
export type MainProcess = Pick<GuardedProcess, "pid" | "exited" | "kill">;

/** Starts the `start` hook, which becomes the main process by `exec`, with the node's own standard output and error. */
export async function startMainProcess(
  guard: Guard,
  file: string,
  {
    env,
    clock,
    signal,
  }: {
    readonly env: Readonly<Record<string, string>>;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<MainProcess> {
  const options = { env, cwd: START_FOLDER, output: "inherit" } as const;
  const start = (): Promise<MainProcess> => guard.spawn(file, [], options);
  return await whileBusy(start, { clock, signal }).catch((error: unknown) => {
    if (!hasCode<SpawnFailedError>(error, "ERR_SPAWN_FAILED")) throw error;
    throw new HookNotRunnableError("start", file, error.message, { cause: error });
  });
}
