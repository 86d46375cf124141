export { type BackendConfig, type LogConfig, readConfig } from "./config.ts";
export { describeEnding, type Ending, exitCodeOf, NodeEnded } from "./ending.ts";
export { type BackendPorts, type Node, openNode } from "./node.ts";
export { runBackend } from "./run-backend.ts";
export type { RunFiles } from "./run-files.ts";
export { startBackend } from "./start-backend.ts";
