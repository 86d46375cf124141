import { spawn } from "node:child_process";

export interface RunProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Written to its standard input. */
  readonly input?: string;
  /** Takes what it writes to its standard error, line by line; to its standard output too with `logOutput`. */
  readonly log?: ((line: string) => void) | undefined;
  readonly logOutput?: boolean;
  /** Ends the program with SIGTERM. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Open files that the program gets too, as 3, 4, … */
  readonly inherit?: readonly number[];
}

/** The output of a program: of a very long one, as of a backup tool that names each file, the last million characters or more. */
export interface ProgramResult {
  /** -1 where it was ended by a signal or could not be started. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The helper has little memory, and must not run out of it by what it only passes on. */
const LEAST_KEPT = 1_000_000;
const LONGEST_LINE = 65_536;

/** Runs a program to its end. Never rejects: what can't be started has code -1 and says why in `stderr`. */
export async function runProgram(
  command: readonly string[],
  { env, input, log, logOutput = false, signal, timeoutMs, inherit = [] }: RunProgramOptions,
): Promise<ProgramResult> {
  const [file = "", ...args] = command;
  // In a process group of its own: what ends the group of a hook shall not end what the helper runs for another.
  const child = spawn(file, args, {
    env,
    cwd: "/",
    detached: true,
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe", ...inherit],
    ...(signal ? { signal } : {}),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  const output = { stdout: "", stderr: "" };
  const gather = (stream: "stdout" | "stderr", onLine: ((line: string) => void) | undefined) => {
    let rest = "";
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
      if (output[stream].length > 2 * LEAST_KEPT) output[stream] = output[stream].slice(-LEAST_KEPT);
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > LONGEST_LINE) {
        lines.push(rest);
        rest = "";
      }
      for (const line of lines) onLine?.(line);
    });
    return () => rest !== "" && onLine?.(rest);
  };
  const ends = [gather("stdout", logOutput ? log : undefined), gather("stderr", log)];
  if (input !== undefined) {
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  }
  return await new Promise((resolve) => {
    child.once("error", (error) => {
      if (child.pid === undefined) resolve({ code: -1, stdout: "", stderr: error.message });
    });
    const over = (code: number | null): void => {
      for (const end of ends) end();
      resolve({ code: code ?? -1, ...output });
    };
    // A daemon that it leaves behind (pg_ctl start) may hold the pipes open.
    child.once("exit", (code) => setTimeout(() => over(code), 200).unref());
    child.once("close", (code) => over(code));
  });
}
