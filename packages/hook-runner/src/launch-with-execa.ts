import { execa } from "execa";
import { drainAfterExit } from "./drain-after-exit.ts";
import { findUnreadableInterpreter } from "./explain-interpreter.ts";
import { type Launch, LaunchFailedError, type ProcessExit } from "./launch.ts";

const ASKS_TO_END: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGQUIT"];

/**
 * Starts a program as a child of this process, in a process group of its own. A signal goes to the whole group, and one that
 * asks it to end is followed by SIGCONT.
 */
export const launchWithExeca: Launch = async (file, args, { env, cwd, input, onOutput }) => {
  // The C library gives a shell what the kernel does not know, which would run a script for another interpreter.
  const unreadable = await findUnreadableInterpreter(file);
  if (unreadable !== undefined) throw new LaunchFailedError(unreadable, { errno: "ENOEXEC" });
  const subprocess = execa(file, args, {
    env,
    extendEnv: false,
    ...(input === undefined ? { stdin: "ignore" } : { input }),
    ...(cwd !== undefined && { cwd }),
    buffer: false,
    detached: true,
    reject: false,
  });
  const child = subprocess.nodeChildProcess;
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    // Some failures reach no listener of the child, as Node throws them.
    void subprocess.then(({ cause, code, shortMessage }) => {
      const why = cause instanceof Error ? cause.message : shortMessage;
      reject(new LaunchFailedError(why ?? "it did not start", { cause, errno: code }));
    });
  });
  subprocess.stdout.on("data", (chunk: Uint8Array) => onOutput("stdout", chunk));
  subprocess.stderr.on("data", (chunk: Uint8Array) => onOutput("stderr", chunk));
  const ended = new Promise<ProcessExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  return {
    exited: drainAfterExit(ended, [subprocess.stdout, subprocess.stderr]),
    kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null || !child.pid) return;
      killGroup(child.pid, signal);
      // What is stopped acts on it only when it goes on.
      if (ASKS_TO_END.includes(signal)) killGroup(child.pid, "SIGCONT");
    },
  };
};

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
