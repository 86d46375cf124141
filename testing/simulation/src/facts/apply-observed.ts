import type { Facts, FrontendFacts } from "./facts.ts";

/** A frontend has been told everything up to a revision, by an answer that it asked for after so many restores. */
export function applyObserved(
  facts: Facts,
  frontend: FrontendFacts,
  { revision, restores, now }: { readonly revision: number; readonly restores: number; readonly now: number },
): void {
  // It may be of the history that was undone, and was under way for all that time.
  if (restores !== facts.restores) return;
  const { known } = frontend;
  if (known && revision <= known.revision) return;
  const master = facts.masters.findLast((each) => each.revision <= revision)?.master;
  const since = known?.master === master ? (known?.since ?? now) : now;
  frontend.known = { master, since, revision };
}
