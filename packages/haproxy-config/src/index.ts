export { HaproxyAnswerError, HaproxyCommandError, HaproxyUnavailableError } from "./errors.ts";
export { nextPoolStep } from "./next-pool-step.ts";
export { nextStep, type Route, type Slot, type Step } from "./next-step.ts";
export {
  parseVersion,
  type ServerRow,
  type ServerState,
  type StatRow,
} from "./parse-answers.ts";
export type { SessionProgress, SessionRow } from "./parse-sessions.ts";
export { createPool, type Pool, type PoolOptions } from "./pool.ts";
export type { Reconciler, SwitcherClock } from "./reconcile.ts";
export {
  type ConfigOptions,
  type ListenPort,
  maxConnectionsFor,
  names,
  poolNames,
  portNames,
  renderConfig,
} from "./render-config.ts";
export {
  createRuntimeApi,
  type RuntimeApi,
  type RuntimeApiOptions,
  type RuntimeCallOptions,
  type ServerAddress,
  type StateChange,
  waitForRuntimeApi,
} from "./runtime-api.ts";
export { createSwitcher, type Switcher, type SwitcherOptions } from "./switcher.ts";
