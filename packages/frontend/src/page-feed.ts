import { type GroupView, plainState } from "@msdha/group";
import type { PageEntry, PageState, PageTraffic } from "@msdha/status-page";
import type { EventStream } from "@msdha/status-port";
import { createJournal } from "./journal.ts";
import { MOST_PAGE_NODES } from "./page-state.ts";

export interface PageFeedOptions {
  /** Reads what is so now; undefined while the frontend starts. */
  readonly readState: () => PageState | undefined;
  readonly readTraffic: () => Promise<PageTraffic>;
  /** The wall clock, in ms since 1970; default: the system's. */
  readonly now?: () => number;
}

/** Keeps what happened, and tells the pages that are open. Disposing ends that. */
export interface PageFeed extends Disposable {
  /** Begins to tell a page: what is so, and all that happened in the last hour. */
  open(stream: EventStream): void;
  happened(entry: PageEntry): void;
  /** Takes the nodes' states, and tells what else has changed in the group. */
  viewed(view: GroupView): void;
}

/** What comes in a crowd is told at most so often. Its first is told at once, after the switching that it may cause. */
const TELL_MS = 20;
const TRAFFIC_MS = 1_000;

export function createPageFeed({ readState, readTraffic, now = Date.now }: PageFeedOptions): PageFeed {
  const journal = createJournal(now);
  const streams = new Set<EventStream>();
  const states = new Map<string, string>();
  let news: PageEntry[] = [];
  let telling: NodeJS.Timeout | undefined;
  let toldAt = Number.NEGATIVE_INFINITY;
  let polling: NodeJS.Timeout | undefined;

  function happened(entry: PageEntry): void {
    journal.add(entry);
    if (streams.size > 0) news.push(entry);
    tell();
  }

  function tell(): void {
    if (streams.size === 0 || telling) return;
    telling = setTimeout(flush, Math.max(0, toldAt + TELL_MS - performance.now()));
    telling.unref();
  }

  function flush(): void {
    telling = undefined;
    toldAt = performance.now();
    const entries = news;
    news = [];
    const state = JSON.stringify(readState() ?? null);
    const more = JSON.stringify({ whole: false, since: journal.since, entries });
    for (const stream of streams) {
      if (state !== "null") stream.send("state", state);
      if (entries.length > 0) stream.send("journal", more);
    }
  }

  async function tellTraffic(): Promise<void> {
    const traffic = JSON.stringify(await readTraffic().catch(() => null));
    for (const stream of streams) stream.send("traffic", traffic);
  }

  return {
    happened,
    open(stream) {
      // What is still to be told is in the journal already; the others get it first.
      if (telling) {
        clearTimeout(telling);
        flush();
      }
      streams.add(stream);
      stream.ended.addEventListener("abort", () => {
        streams.delete(stream);
        if (streams.size > 0) return;
        clearInterval(polling);
        polling = undefined;
      });
      const state = readState();
      if (state) stream.send("state", JSON.stringify(state));
      stream.send("journal", JSON.stringify(journal.whole()));
      polling ??= setInterval(() => void tellTraffic(), TRAFFIC_MS).unref();
      void tellTraffic();
    },
    viewed({ nodes }) {
      for (const [node, { state }] of nodes) {
        const plain = plainState(state);
        if (states.get(node) === plain || (states.size >= MOST_PAGE_NODES && !states.has(node))) continue;
        states.set(node, plain);
        happened({ kind: "node", at: now(), node, state: plain });
      }
      for (const node of states.keys()) {
        if (nodes.has(node)) continue;
        states.delete(node);
        happened({ kind: "node", at: now(), node, state: "" });
      }
      tell();
    },
    [Symbol.dispose]() {
      clearTimeout(telling);
      clearInterval(polling);
    },
  };
}
