import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { undoAtExit } from "./cleanup.ts";

/** A process of a test's own, which dies with the test in every case. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when it has ended, however. */
  readonly exited: Promise<void>;
  readonly running: boolean;
  /** How it ended, once it has. */
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  /** Sends a signal; does nothing when it has ended. */
  send(signal: NodeJS.Signals): void;
  /** Sends SIGSTOP: it stands still, its connections stay open. */
  freeze(): void;
  /** Sends SIGCONT. */
  thaw(): void;
  /** Sends `signal` (default SIGKILL) and resolves when it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** What it has written so far, standard output and error together. */
  log(): string;
}

export interface ChildOptions {
  /** Where its output goes; appended to. */
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Starts a program directly, without a shell. The kernel kills it when this process dies in whatever way
 * (`setpriv --pdeathsig`), and dispose does. Its own children are not looked after.
 */
export function startChild(file: string, args: readonly string[], { logFile, env }: ChildOptions): Child {
  const log = openSync(logFile, "a");
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", file, ...args], {
    stdio: ["ignore", log, log],
    env: env ?? process.env,
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`expected a process of ${file}: is setpriv installed?`);

  let running = true;
  let exit: Child["exit"];
  const forget = undoAtExit(() => send("SIGKILL"));
  const exited = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      running = false;
      exit = { code, signal };
      forget();
      resolve();
    });
  });

  function send(signal: NodeJS.Signals): void {
    if (running) child.kill(signal);
  }

  async function kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    send(signal);
    await exited;
  }

  return {
    pid,
    exited,
    get running() {
      return running;
    },
    get exit() {
      return exit;
    },
    send,
    freeze: () => send("SIGSTOP"),
    thaw: () => send("SIGCONT"),
    kill,
    log: () => readFileSync(logFile, "utf8"),
    [Symbol.asyncDispose]: () => kill(),
  };
}
