import type { PageEntry, PageJournal } from "@msdha/status-page";

/** What happened in the last hour, as far as it was seen from here. */
export interface Journal {
  add(entry: PageEntry): void;
  /** Everything, the oldest first: what was so at the beginning comes as entries of that time. */
  whole(): PageJournal;
  /** From when on nothing is missing. */
  readonly since: number;
}

const KEPT_MS = 3_600_000;
const MOST_ENTRIES = 4_000;
/** Waits come in crowds; they must not push out what the nodes did. */
const MOST_WAITS = 1_000;

/** Returns an empty journal that begins now. `now` is the wall clock, in ms since 1970. */
export function createJournal(now: () => number): Journal {
  let since = now();
  const changes: PageEntry[] = [];
  let waits: PageEntry[] = [];
  /** What was so when the entries that are kept begin, by node, and for the route. */
  const before = new Map<string, PageEntry>();

  function forget(entry: PageEntry): void {
    since = Math.max(since, entry.at);
    if (entry.kind === "node" && entry.state === "") before.delete(entry.node);
    else if (entry.kind === "node") before.set(entry.node, entry);
    // No node's name begins with `_`.
    else if (entry.kind === "route") before.set("_route", { ...entry, cut: false });
  }

  function trim(): void {
    const oldest = now() - KEPT_MS;
    const surplus = changes.length - MOST_ENTRIES;
    const end = changes.findIndex(({ at }, index) => index >= surplus && at >= oldest);
    const gone = changes.splice(0, end < 0 ? changes.length : end);
    for (const entry of gone) forget(entry);
    since = Math.max(since, oldest);
    waits = waits.filter(({ at }) => at >= oldest).slice(-MOST_WAITS);
  }

  return {
    add(entry) {
      if (entry.kind === "wait") waits.push(entry);
      else changes.push(entry);
      if (changes.length > 1.1 * MOST_ENTRIES || waits.length > 2 * MOST_WAITS) trim();
    },
    whole() {
      trim();
      const begun = [...before.values()].map((entry) => ({ ...entry, at: since }));
      return { whole: true, since, entries: [...begun, ...changes, ...waits] };
    },
    get since() {
      return since;
    },
  };
}
