import { basename } from "node:path";
import type { RunFiles } from "@msdha/backend";

/** What outlives a run on a machine. */
export interface Disk {
  runId: string | undefined;
  /** Whether `is_master` is there. */
  isMaster: boolean;
}

/** Removes a file of the run folder, as the guard does. */
export function removeSimulatedFile(disk: Disk, file: string): void {
  if (basename(file) === "is_master") disk.isMaster = false;
}

/** The run folder of a node, on a disk that the next run finds again. */
export function openSimulatedFiles(disk: Disk, runId: string): RunFiles {
  const formerRunId = disk.runId;
  disk.runId = runId;
  disk.isMaster = false;
  return {
    runId,
    formerRunId,
    async setMaster(isMaster) {
      disk.isMaster = isMaster;
    },
    setCurrentMaster: async () => {},
  };
}
