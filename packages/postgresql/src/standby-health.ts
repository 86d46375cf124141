/** What to do about a standby that is `ready` and should receive from a master. */
export type StandbyAction = "nothing" | "look" | "end";

/** A connection that breaks is usually back within this time. */
export const FIRST_LOOK_MS = 5_000;

/**
 * Returns what to do about a standby that has received nothing for so long. `look`: find out why, and try again. `end`:
 * its node ends, and is not `ready` again before it streams.
 */
export function judgeStandby(silentMs: number, patienceMs: number): StandbyAction {
  if (silentMs >= Math.max(patienceMs, FIRST_LOOK_MS)) return "end";
  return silentMs >= FIRST_LOOK_MS ? "look" : "nothing";
}
