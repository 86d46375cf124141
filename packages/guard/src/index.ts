export { type AskedAnswer, askServer } from "./ask.ts";
export { guardBinary } from "./binary.ts";
export { type ClockOffset, createClockOffset } from "./clock-offset.ts";
export { deadlineTimes } from "./deadline.ts";
export {
  GuardBusyError,
  GuardLostError,
  GuardMissingError,
  GuardPastDeadlineError,
  GuardStartError,
  KillNotPermittedError,
  SpawnFailedError,
  type SpawnStep,
} from "./errors.ts";
export type { Guard, GuardedProcess, ProcessExit, SpawnOptions } from "./guard.ts";
export type { StartedGuard } from "./handle.ts";
export { findKillObstacle } from "./kill-obstacle.ts";
export { findLockHolders } from "./lock-holders.ts";
export type { DeniedProcess, GuardedName, KillReport, SignalReport } from "./roll.ts";
export { type StartGuardOptions, startGuard } from "./start-guard.ts";
