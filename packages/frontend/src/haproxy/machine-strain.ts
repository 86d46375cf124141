import { availableParallelism, loadavg } from "node:os";

const MOST = 20;

/** How many processes there were for each processor of this machine in the last minute, from 1 to 20. */
export function machineStrain(): number {
  const [lastMinute = 0] = loadavg();
  return Math.min(MOST, Math.max(1, lastMinute / availableParallelism()));
}
