export { type Result, type SimulateOptions, simulate } from "./simulate.ts";
export type { Violation } from "./world/world.ts";
