import { readFileSync } from "node:fs";
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
