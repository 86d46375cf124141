import { findObstacle } from "./ask.ts";
import type { GroupView } from "./view.ts";

/** A reason to leave a free lock alone. Returns for how long from `now`, in ms; 0 or less: not, or not any more. */
export type ReasonToLeaveLock = (view: GroupView, now: number) => number;

/** Returns every reason why a node that could take the lock leaves it alone for a while. */
export function reasonsToLeaveLock(self: string, ttlMs: number): readonly ReasonToLeaveLock[] {
  return [leftToChosen(self, ttlMs)];
}

/** A hand-over that names another node leaves the lock to it: for a TTL from when that was seen, while it is ready. */
function leftToChosen(self: string, ttlMs: number): ReasonToLeaveLock {
  let seen = { handover: 0, at: 0 };
  return ({ lock, handover, handoverNote, nodes, asks }, now) => {
    const handoverFor = handoverNote?.for;
    if (lock || handover === undefined || handoverFor === undefined || handoverFor === self) return 0;
    if (seen.handover !== handover) seen = { handover, at: now };
    if (nodes.get(handoverFor)?.state !== "ready" || findObstacle(asks, handoverFor)) return 0;
    return seen.at + ttlMs - now;
  };
}
