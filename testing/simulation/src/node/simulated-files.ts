import type { RunFiles } from "@msdha/backend";

/** What outlives a run on a machine. */
export interface Disk {
  runId: string | undefined;
}

/** The run folder of a node, on a disk that the next run finds again. */
export function openSimulatedFiles(disk: Disk, runId: string): RunFiles {
  const formerRunId = disk.runId;
  disk.runId = runId;
  return { runId, formerRunId, setMaster: async () => {}, setCurrentMaster: async () => {} };
}
