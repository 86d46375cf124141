import { hasCode } from "@msdha/app";
import type { Guard, GuardedProcess, SpawnFailedError } from "@msdha/guard";
import { HookNotRunnableError } from "@msdha/hook-runner";
import { START_FOLDER } from "./start-folder.ts";

/** The program that the node is there for. */
export type MainProcess = Pick<GuardedProcess, "pid" | "exited" | "kill">;

/** Starts the `start` hook, which becomes the main process by `exec`, with the node's own standard output and error. */
export async function startMainProcess(
  guard: Guard,
  file: string,
  { env }: { readonly env: Readonly<Record<string, string>> },
): Promise<MainProcess> {
  const options = { env, cwd: START_FOLDER, output: "inherit" } as const;
  return await guard.spawn(file, [], options).catch((error: unknown) => {
    if (!hasCode<SpawnFailedError>(error, "ERR_SPAWN_FAILED")) throw error;
    throw new HookNotRunnableError("start", file, error.message, { cause: error });
  });
}
