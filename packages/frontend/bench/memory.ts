import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestFrontend } from "../test/support.ts";
import { report } from "./report.ts";

/** Reports the memory that each process has for itself, and its share of what it shares (PSS). */
export async function measureMemory(frontend: TestFrontend, when = "idle"): Promise<void> {
  const { haproxy } = await frontend.status();
  report(`memory, ${when}`, {
    "frontend MB": proportionalMegabytes(frontend.child.pid),
    "HAProxy MB": proportionalMegabytes(haproxy.pid),
  });
}

function proportionalMegabytes(pid: number): number {
  const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
  return Number(kilobytes) / 1024;
}

const WATCHED_MS = 3_000;
/** What the kernel counts in: hundredths of a second. */
const TICK_MS = 10;

/** Reports how much of a core each process takes. */
export async function measureProcessor(frontend: TestFrontend, when: string): Promise<void> {
  const { haproxy } = await frontend.status();
  const pids = [frontend.child.pid, haproxy.pid];
  const before = pids.map(processorMs);
  const begun = performance.now();
  await sleep(WATCHED_MS);
  const [own = 0, other = 0] = pids.map((pid, index) => {
    const used = processorMs(pid) - (before[index] ?? 0);
    return (100 * used) / (performance.now() - begun);
  });
  report(`processor, ${when}, % of a core`, { frontend: own, HAProxy: other });
}

/** The processor time that a process has used so far. */
export function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
