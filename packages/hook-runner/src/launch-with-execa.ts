import { execa } from "execa";
import { drainAfterExit } from "./drain-after-exit.ts";
import { type Launch, LaunchFailedError, type ProcessExit } from "./launch.ts";

/** Starts a program as a child of this process, in a process group of its own. */
export const launchWithExeca: Launch = async (file, args, { env, cwd, input, onOutput }) => {
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
      if (child.exitCode === null && child.signalCode === null && child.pid) killGroup(child.pid, signal);
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
