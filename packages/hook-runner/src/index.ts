export { HookFailedError, type HookFailure, HookNotRunnableError, type HookRun } from "./errors.ts";
export { explainInterpreter } from "./explain-interpreter.ts";
export { findHook } from "./find-hook.ts";
export { createHookQueue, type HookQueue, type HookQueueOptions } from "./hook-queue.ts";
export {
  createHookRunner,
  type HookFolder,
  type HookRunner,
  type HookRunnerOptions,
  type RunHookOptions,
} from "./hook-runner.ts";
export {
  type Launch,
  type LaunchedProcess,
  LaunchFailedError,
  type LaunchOptions,
  type ProcessExit,
} from "./launch.ts";
export { launchWithExeca } from "./launch-with-execa.ts";
export { splitLines } from "./split-lines.ts";
export { whileBusy } from "./while-busy.ts";
