import { readdirSync, readFileSync } from "node:fs";
import type { ProcessFacts } from "./check-processes.ts";

const CAP_KILL = 5n;

/** Lists the processes that this one can see. Those that have just ended are left out; empty where there is no /proc. */
export function listProcesses(proc = "/proc"): readonly ProcessFacts[] {
  return listPids(proc).flatMap((pid) => {
    try {
      const status = readFileSync(`${proc}/${pid}/status`, "utf8");
      const command = readFileSync(`${proc}/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      return [parseStatus(pid, command, status)];
    } catch {
      return [];
    }
  });
}

function listPids(proc: string): readonly number[] {
  try {
    return readdirSync(proc)
      .map(Number)
      .filter((pid) => Number.isSafeInteger(pid) && pid > 0);
  } catch {
    return [];
  }
}

function parseStatus(pid: number, command: string, status: string): ProcessFacts {
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
  const [real = -1, effective = -1, saved = -1] = field("Uid").split(/\s+/).map(Number);
  const maySignalAll = (BigInt(`0x${field("CapEff") || "0"}`) & (1n << CAP_KILL)) !== 0n;
  return { pid, parent: Number(field("PPid")), command, users: [real, effective, saved], maySignalAll };
}
