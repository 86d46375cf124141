import { basename } from "node:path";
import type { RunFiles } from "@msdha/backend";
import type { RunFacts } from "../facts/facts.ts";

/** What outlives a run on a machine. */
export interface Disk {
  runId: string | undefined;
  /** Whether `is_master` is there. */
  isMaster: boolean;
  lastEnd: RunFiles["formerEnd"];
  lastTerm: RunFiles["formerTerm"];
  /** What is known of the last run that came to its `pre_start`; no part of the disk as its runs see it. */
  lastRun: RunFacts | undefined;
}

export function emptyDisk(): Disk {
  return { runId: undefined, isMaster: false, lastEnd: undefined, lastTerm: undefined, lastRun: undefined };
}

/** Removes a file of the run folder, as the guard does. */
export function removeSimulatedFile(disk: Disk, file: string): void {
  if (basename(file) === "is_master") disk.isMaster = false;
}

/** The run folder of a node, on a disk that the next run finds again. */
export function openSimulatedFiles(disk: Disk, runId: string): RunFiles {
  const formerRunId = disk.runId;
  const formerEnd = disk.lastEnd;
  const formerTerm = disk.lastTerm;
  disk.runId = runId;
  disk.isMaster = false;
  return {
    runId,
    formerRunId,
    formerEnd,
    formerTerm,
    async setMaster(isMaster) {
      disk.isMaster = isMaster;
    },
    setCurrentMaster: async () => {},
    async setEnd(end) {
      disk.lastEnd = end;
    },
    async setTerm(term) {
      disk.lastTerm = term;
    },
    async close() {
      disk.isMaster = false;
    },
  };
}
