import type { GroupKeys } from "@msdha/group";
import type { Facts } from "./facts.ts";
import { createGroupHistory } from "./group-history.ts";

/** Returns the facts of a group that has nothing in etcd yet. */
export function createFacts(keys: GroupKeys, longestTtlMs: number): Facts {
  return {
    longestTtlMs,
    runs: new Set(),
    frontends: new Set(),
    history: createGroupHistory(keys),
    masters: [{ revision: 0, master: undefined }],
    group: {
      lock: undefined,
      handover: undefined,
      ttlSeconds: 0,
      freeSince: 0,
      nodes: new Map(),
      held: new Set(),
      limits: new Map(),
      asks: new Map(),
      terms: new Map(),
    },
    ceased: new Map(),
    restores: 0,
    byHand: false,
    lastTokens: new Map(),
    asked: new Map(),
    recorded: new Map(),
    promotedByOrder: new Set(),
    copyMarks: new Set(),
    copyWrote: new Map(),
    copies: new Set(),
    everHeld: new Set(),
  };
}
