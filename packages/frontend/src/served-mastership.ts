import type { Mastership } from "@msdha/group";

/**
 * Returns what the group says now, as it counts for a frontend that has followed `previous`. A lock whose holder's node key
 * is gone is a planned stop only of a master that was served here: the sessions that it has may go on. Anyone else's
 * sessions must not.
 */
export function servedMastership(previous: Mastership, now: Mastership): Mastership {
  if (now.kind !== "stopping") return now;
  return previous.kind !== "none" && previous.token === now.token ? now : { kind: "none" };
}

/** Whether two say the same to a frontend. */
export function sameMastership(a: Mastership, b: Mastership): boolean {
  if (a.kind === "none" || b.kind === "none") return a.kind === b.kind;
  if (a.kind !== b.kind || a.token !== b.token) return false;
  if (a.kind !== "master" || b.kind !== "master") return true;
  if (a.held || b.held) return a.held === b.held;
  return a.address === b.address && a.name === b.name;
}
