import { hasCode } from "@msdha/app";
import type { Guard, SpawnFailedError } from "@msdha/guard";
import { type Launch, LaunchFailedError } from "@msdha/hook-runner";
import { START_FOLDER } from "./start-folder.ts";

/** Starts hooks under the guard, which looks at the kill time once more before it does. Signals go to all of a hook. */
export function guardedLaunch(guard: Guard): Launch {
  return async (file, args, { env, cwd = START_FOLDER, input, onOutput }) => {
    if (input !== undefined) throw new TypeError("expected no input for a hook under the guard");
    const options = { env, cwd, output: "pipe", onOutput } as const;
    const hook = await guard.spawn(file, args, options).catch((error: unknown) => {
      throw hasCode<SpawnFailedError>(error, "ERR_SPAWN_FAILED")
        ? new LaunchFailedError(error.message, { cause: error, errno: error.errno })
        : error;
    });
    return {
      exited: hook.exited,
      kill: (signal) => hook.kill(signal, { group: true }),
    };
  };
}
