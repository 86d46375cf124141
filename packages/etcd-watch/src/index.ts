export type { WatchBatch, WatchChanges, WatchSnapshot } from "./batch.ts";
export { type WatchPrefixOptions, watchPrefix } from "./watch-prefix.ts";
