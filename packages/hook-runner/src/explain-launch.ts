import { stat } from "node:fs/promises";
import { explainInterpreter } from "./explain-interpreter.ts";
import type { LaunchFailedError } from "./launch.ts";

/** Says more than the system does about a hook that could not be started; undefined where there is nothing more. */
export async function explainLaunch(
  { errno }: LaunchFailedError,
  { file, cwd }: { readonly file: string; readonly cwd: string | undefined },
): Promise<string | undefined> {
  if (errno === "ETXTBSY") return "its file has been open for writing all the time (ETXTBSY)";
  if (errno === "EAGAIN")
    return "no process can be started now (EAGAIN): look at the limits of processes (ulimit -u, pids.max)";
  const why = await explainInterpreter(file);
  if (why !== undefined) return why;
  if (errno === "ENOEXEC") return "it is neither a program for this machine nor a script (ENOEXEC)";
  return cwd === undefined ? undefined : await explainFolder(cwd);
}

/** The system reports a missing folder as if the program were missing. */
async function explainFolder(cwd: string): Promise<string | undefined> {
  return await stat(cwd).then(
    (found) => (found.isDirectory() ? undefined : `the folder that it begins in, ${cwd}, is no folder`),
    ({ code }: NodeJS.ErrnoException) => `the folder that it begins in, ${cwd}, can't be looked at (${code})`,
  );
}
