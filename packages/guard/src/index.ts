export { guardBinary } from "./binary.ts";
export {
  GuardBusyError,
  GuardLostError,
  GuardMissingError,
  GuardPastDeadlineError,
  GuardStartError,
  SpawnFailedError,
  type SpawnStep,
} from "./errors.ts";
export type { Guard, GuardedProcess, ProcessExit, SpawnOptions } from "./guard.ts";
export type { StartedGuard } from "./handle.ts";
export { findLockHolders } from "./lock-holders.ts";
export { type StartGuardOptions, startGuard } from "./start-guard.ts";
