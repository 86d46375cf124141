import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessOptions {
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  /** Its output goes there, each line behind the time at which it came (ms since 1970). */
  readonly logFile: string;
}

/** A process that is started again whenever it ends, as a container engine does with `restart: unless-stopped`. */
export interface RestartedProcess {
  readonly pid: number | undefined;
  /** How often it has ended so far. */
  readonly exits: number;
  /** Starts it unless it runs. */
  start(): void;
  /** From now on it is not started again when it ends. */
  letEnd(): void;
  /** Resolves when it does not run. */
  ended(): Promise<void>;
}

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** Having run for so long, it gets the first delay again. */
const SETTLED_MS = 10_000;

/** Prepares a process; `start` starts it. It dies with this process in every case. */
export function createRestartedProcess({ command, env, logFile }: ProcessOptions): RestartedProcess {
  const log = createWriteStream(logFile, { flags: "a" });
  let wanted = false;
  let child: ChildProcess | undefined;
  let running: Promise<void> | undefined;
  let exits = 0;

  async function keepUp(): Promise<void> {
    let delay = FIRST_DELAY_MS;
    while (wanted) {
      const begun = performance.now();
      await runOnce();
      exits += 1;
      if (performance.now() - begun > SETTLED_MS) delay = FIRST_DELAY_MS;
      if (wanted) await sleep(delay);
      delay = Math.min(delay * 2, LONGEST_DELAY_MS);
    }
  }

  function runOnce(): Promise<void> {
    const started = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...command], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    for (const output of [started.stdout, started.stderr]) {
      createInterface({ input: output }).on("line", (line) => log.write(`${Date.now()} ${line}\n`));
    }
    return new Promise((resolve, reject) => {
      started.once("error", reject);
      started.once("exit", () => {
        child = undefined;
        resolve();
      });
    });
  }

  return {
    get pid() {
      return child?.pid;
    },
    get exits() {
      return exits;
    },
    start() {
      wanted = true;
      running ??= keepUp().finally(() => {
        running = undefined;
      });
    },
    letEnd() {
      wanted = false;
    },
    async ended() {
      await running;
    },
  };
}
