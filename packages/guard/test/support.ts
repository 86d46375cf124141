import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { undoAtExit, waitFor } from "@msdha/testkit";
import { guardBinary, type StartedGuard } from "../src/index.ts";

export interface SupervisorPlan {
  readonly lockFile?: string;
  readonly spawn?: readonly (readonly [string, ...string[]])[];
  readonly env?: NodeJS.ProcessEnv;
  readonly output?: "inherit" | "pipe";
  readonly withdraw?: readonly string[];
  readonly deadlineMs?: number;
  /** What it does once it has told that it is ready: nothing, block its event loop (after `waitMs`), or stop itself. */
  readonly next?: "block" | "freeze";
  readonly waitMs?: number;
  readonly blockMs?: number;
  readonly spawnAfter?: readonly (readonly [string, ...string[]])[];
}

export interface SupervisorEvent {
  readonly event: "ready" | "lost" | "exited" | "spawned" | "refused" | "gone" | "unknown" | "denied";
  readonly guard?: { readonly outer: number; readonly inner: number };
  readonly [field: string]: unknown;
}

export interface Supervisor extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly events: readonly SupervisorEvent[];
  /** The first event of that name; waits for it. */
  event(name: SupervisorEvent["event"]): Promise<SupervisorEvent>;
}

/** The path of a program in `programs/`. */
export function program(name: string): string {
  return fileURLToPath(new URL(`programs/${name}`, import.meta.url));
}

/** Builds the guard unless it is newer than its sources. */
export function buildGuard(): void {
  const sources = fileURLToPath(new URL("../c/", import.meta.url));
  const built = existsSync(guardBinary()) ? statSync(guardBinary()).mtimeMs : 0;
  if (readdirSync(sources).every((name) => statSync(sources + name).mtimeMs < built)) return;
  execFileSync(fileURLToPath(new URL("../build.sh", import.meta.url)));
}

/** Marks processes by a variable in their environment, which all that descends from them has too. */
export interface Mark extends Disposable {
  readonly env: NodeJS.ProcessEnv;
  /** Those that are alive; a zombie is not. */
  alive(): number[];
}

export function mark(): Mark {
  const text = `MSDHA_GUARD_TEST=${randomUUID()}`;
  const [name = "", value = ""] = text.split("=");
  const alive = (): number[] =>
    processesWhere((pid) => readFileSync(`/proc/${pid}/environ`, "utf8").includes(text));
  const kill = (): void => alive().forEach(killNow);
  const forget = undoAtExit(kill);
  return {
    env: { PATH: process.env["PATH"], [name]: value },
    alive,
    [Symbol.dispose]() {
      kill();
      forget();
    },
  };
}

export function processesWhere(matches: (pid: number) => boolean): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && matches(pid);
      } catch {
        return false; // it has ended meanwhile
      }
    });
}

/** The letter of the process's state ("T" is stopped), undefined when it is no more. */
export function stateOf(pid: number): string | undefined {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

export function parentOf(pid: number): number {
  return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
}

export function isAlive(pid: number): boolean {
  return !["Z", undefined].includes(stateOf(pid));
}

export function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

export async function freeze(...pids: number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  await waitFor(() => pids.every((pid) => stateOf(pid) === "T"), { what: `stopped processes ${pids}` });
}

export function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

export async function waitForGrowth(file: string): Promise<void> {
  const before = sizeOf(file);
  await waitFor(() => sizeOf(file) > before + 20, { what: `${file} to grow` });
}

export interface StartSupervisorOptions {
  /** A command that runs the supervisor, in namespaces of its own: its process then is the command's. Default: none. */
  readonly within?: readonly string[];
}

/** Runs a supervisor process with `plan`; what it starts has the mark, it itself has not. */
export function startSupervisor(
  plan: SupervisorPlan,
  { env }: Mark,
  { within = [] }: StartSupervisorOptions = {},
): Supervisor {
  const script = fileURLToPath(new URL("supervisor.ts", import.meta.url));
  const node = [process.execPath, "--conditions=@msdha/source", script, JSON.stringify({ ...plan, env })];
  const [file = "", ...args] = [...within, ...node];
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  const forget = undoAtExit(() => child.kill("SIGKILL"));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const events: SupervisorEvent[] = [];
  createInterface(child.stdout).on("line", (line) => {
    if (line.startsWith("{")) events.push(JSON.parse(line) as SupervisorEvent);
  });
  const event = (name: SupervisorEvent["event"]): Promise<SupervisorEvent> =>
    waitFor(() => events.find((seen) => seen.event === name), {
      what: `the supervisor's event "${name}"`,
      timeoutMs: 20_000,
    });
  return {
    process: child,
    pid: child.pid ?? 0,
    events,
    event,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      forget();
      await ended;
    },
  };
}

/** Neither process of the guard gets any more memory from now on. */
export function leaveNoMemory({ pids }: StartedGuard): void {
  for (const pid of [pids.inner, pids.outer]) execFileSync("prlimit", [`--pid=${pid}`, "--as=1"]);
}
