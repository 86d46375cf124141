import { readdirSync, readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";

/** The unit of times in /proc/PID/stat, on every Linux. */
const TICK_MS = 10;

/**
 * Returns the kernel's `CLOCK_BOOTTIME` in ms, at most 10 ms behind, or undefined if it can't be had. It starts a thread
 * and reads when the kernel says that it began, which no other program can make up, unlike /proc/uptime. Takes some
 * milliseconds.
 */
export function readBootTime(): number | undefined {
  try {
    const worker = new Worker("", { eval: true, env: {}, execArgv: [], stdin: false });
    worker.on("error", () => {});
    worker.unref();
    const starts = readdirSync("/proc/self/task").map((thread) =>
      readStart(`/proc/self/task/${thread}/stat`),
    );
    return Math.max(...starts) || undefined;
  } catch {
    return undefined;
  }
}

/** Returns `CLOCK_BOOTTIME` at the start of this process, as the kernel noted it, or undefined. */
export function readProcessStart(): number | undefined {
  return readStart("/proc/self/stat") || undefined;
}

/** The name in it may hold anything; field 22 is the start. 0 for a thread that has ended meanwhile. */
function readStart(file: string): number {
  try {
    const text = readFileSync(file, "latin1");
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[19]) * TICK_MS || 0;
  } catch {
    return 0;
  }
}
