import type { Term } from "@msdha/group";
import { formatDuration, formatMeasured } from "./duration.ts";
import { plain } from "./plain.ts";

/** How a master's time ended, in a few words; undefined while it goes on. */
export function describeEnd(term: Term, { isCurrent }: { readonly isCurrent: boolean }): string | undefined {
  if (isCurrent) return undefined;
  return term.end ? plain(term.end.why) : "not known: its node has not run again since";
}

/** How a master came to be. */
export function describeBeginning(term: Term): string {
  const from = term.from === undefined || term.from === term.node ? "" : ` from ${plain(term.from)}`;
  return term.takenAfter === "handover" ? `by a hand-over${from}` : "after the wait";
}

/**
 * How long nobody was master before it: as its node measured it, or else about, by two nodes' wall clocks; undefined if neither is
 * known. `before`: the master before it.
 */
export function describeGap({ gapMs, beganAt }: Term, before: Term | undefined): string | undefined {
  if (gapMs !== undefined) return formatMeasured(gapMs);
  const endedAt = before?.end?.at;
  if (endedAt === undefined || endedAt > beganAt) return undefined;
  return `about ${formatDuration(Math.max(1_000, beganAt - endedAt))}`;
}
