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

/** Keeps what happened, and sends it to the pages that are open. Disposing ends that. */
export interface PageFeed extends Disposable {
  /** Opens a page's stream: the present state, and all that happened in the last hour. */
  open(stream: EventStream): void;
  happened(entry: PageEntry): void;
  /** Takes the nodes' states, and sends what else has changed in the group. */
  viewed(view: GroupView): void;
}

/** The shortest time between two messages to a page. The first is sent at once, after the switching that it may cause. */
const SHORTEST_INTERVAL_MS = 20;
const TRAFFIC_MS = 1_000;

export function createPageFeed({ readState, readTraffic, now = Date.now }: PageFeedOptions): PageFeed {
  const journal = createJournal(now);
  const streams = new Set<EventStream>();
  const states = new Map<string, string>();
  let news: PageEntry[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sentAt = Number.NEGATIVE_INFINITY;
  let polling: NodeJS.Timeout | undefined;

  function happened(entry: PageEntry): void {
    journal.add(entry);
    if (streams.size > 0) news.push(entry);
    schedule();
  }

  function schedule(): void {
    if (streams.size === 0 || timer) return;
    timer = setTimeout(flush, Math.max(0, sentAt + SHORTEST_INTERVAL_MS - performance.now()));
    timer.unref();
  }

  function flush(): void {
    timer = undefined;
    sentAt = performance.now();
    const entries = news;
    news = [];
    const state = JSON.stringify(readState() ?? null);
    const more = JSON.stringify({ whole: false, since: journal.since, entries });
    for (const stream of streams) {
      if (state !== "null") stream.send("state", state);
      if (entries.length > 0) stream.send("journal", more);
    }
  }

  async function sendTraffic(): Promise<void> {
    const traffic = JSON.stringify(await readTraffic().catch(() => null));
    for (const stream of streams) stream.send("traffic", traffic);
  }

  return {
    happened,
    open(stream) {
      // What is still to be sent is in the journal already; the others get it first.
      if (timer) {
        clearTimeout(timer);
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
      polling ??= setInterval(() => void sendTraffic(), TRAFFIC_MS).unref();
      void sendTraffic();
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
      schedule();
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      clearInterval(polling);
    },
  };
}
