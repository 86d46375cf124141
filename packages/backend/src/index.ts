export { type BackendConfig, type LogConfig, readConfig } from "./config.ts";
export { describeEnding, type Ending, exitCodeOf } from "./ending.ts";
export { type HookName, hookNames } from "./hooks.ts";
export type { BackendPorts, Node } from "./node.ts";
export type { RunFiles } from "./run-files.ts";
export { startBackend } from "./start-backend.ts";
export { type BackendHost, type SuperviseOptions, superviseNode } from "./supervise-node.ts";
