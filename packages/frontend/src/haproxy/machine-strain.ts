import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

export interface StrainOptions {
  /** Returns the text of `/proc/loadavg`. Default: reads that file. */
  readonly read?: () => string;
  /** Default: those that this process may use. */
  readonly processors?: number;
}

const MOST = 20;

/**
 * Starts to measure how many processes there are for each processor of this machine, from 1 to 20. Each call looks once
 * more: it returns the mean of the last minute, or that of the looks so far where it is more, as after the start of many
 * programs at once.
 */
export function measureStrain({
  read = readLoad,
  processors = availableParallelism(),
}: StrainOptions = {}): () => number {
  let looks = 0;
  let seen = 0;
  return () => {
    const { lastMinute, running } = parseLoad(read());
    looks += 1;
    seen += running;
    return Math.min(MOST, Math.max(1, Math.max(lastMinute, seen / looks) / processors));
  };
}

/** Its form is "0.20 0.18 0.12 3/80 11206"; of the 3 that run now, one is this process, which reads it. */
function parseLoad(text: string): { readonly lastMinute: number; readonly running: number } {
  const [lastMinute = "", , , tasks = ""] = text.split(" ");
  return { lastMinute: Number.parseFloat(lastMinute) || 0, running: (Number.parseInt(tasks, 10) || 1) - 1 };
}

function readLoad(): string {
  try {
    return readFileSync("/proc/loadavg", "utf8");
  } catch {
    return "";
  }
}
