export { applyBatch } from "./apply-batch.ts";
export type { WatchBatch, WatchChanges, WatchSnapshot } from "./batch.ts";
export type { StateChange } from "./change-feed.ts";
export { type FollowedPrefix, type FollowPrefixOptions, followPrefix } from "./follow-prefix.ts";
export { type KeyState, watchKey } from "./watch-key.ts";
export { type WatchPrefixOptions, watchPrefix } from "./watch-prefix.ts";
export type { WatchOptions } from "./watch-range.ts";
