export type { WatchBatch, WatchChanges, WatchSnapshot } from "./batch.ts";
export { WatchStalledError } from "./errors.ts";
export { type WatchPrefixOptions, watchPrefix } from "./watch-prefix.ts";
