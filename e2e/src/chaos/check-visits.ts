import type { Mastership } from "./group-history.ts";

/** A client that was served, through which frontend and by whom. Times are those of the run's own clock, ms. */
export interface ServedVisit {
  readonly frontend: string;
  readonly begun: number;
  readonly served: number;
  readonly by: string;
}

/** A time in which frontends may not have heard of changes. */
export interface Blindness {
  readonly from: number;
  /** Infinity while it lasts. */
  readonly to: number;
}

/** How long a frontend may take to hear of a change, and how much later the observer may. */
const HEARD_MS = 1_500;
const OBSERVED_MS = 1_500;

/**
 * Whether the node that served a visit can have been the master as far as the frontend could know: at some time from
 * a little before the visit began, or before the frontend became blind, to when it was served.
 */
export function isByMaster(
  visit: ServedVisit,
  masterships: readonly Mastership[],
  blindnesses: readonly Blindness[],
): boolean {
  // A blindness may begin within another one, so that what was heard last is older than either.
  let since = visit.begun - HEARD_MS;
  for (const { from, to } of blindnesses.toReversed()) {
    if (from <= visit.served && to >= since) since = Math.min(since, from - HEARD_MS);
  }
  return masterships.some(
    ({ node, from, to }) => node === visit.by && to >= since && from <= visit.served + OBSERVED_MS,
  );
}
