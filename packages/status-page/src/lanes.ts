import type { PageEntry, PageJournal, PageOutcome } from "./protocol.ts";
import { CUT, type Look, nodeLook, routeLook } from "./words.ts";

/** A stretch of a lane. */
export interface Span {
  readonly from: number;
  /** Infinity: it goes on. */
  readonly to: number;
  readonly look: Look;
}

export interface Wait {
  readonly from: number;
  readonly to: number;
  readonly outcome: PageOutcome;
  /** Which of the rows it is drawn in: those of one row do not overlap. */
  readonly row: number;
}

/** The last hour as it is drawn. */
export interface Lanes {
  /** From when on it is whole. */
  readonly since: number;
  /** By node. */
  readonly nodes: ReadonlyMap<string, readonly Span[]>;
  readonly clients: readonly Span[];
  /** When sessions were cut. */
  readonly cuts: readonly number[];
  readonly waits: readonly Wait[];
  /** What happened, in words, the newest first. */
  readonly events: readonly { readonly at: number; readonly subject: string; readonly look: Look }[];
}

const MOST_ROWS = 24;
const MOST_EVENTS = 100;

/** Joins what came later to what is known. Every stream begins with the whole journal, and lasts ten minutes at most. */
export function joinJournal(known: readonly PageEntry[], { whole, entries }: PageJournal): PageEntry[] {
  return whole ? [...entries] : [...known, ...entries];
}

/** Lays the entries out in lanes. */
export function layOut(entries: readonly PageEntry[], since: number): Lanes {
  const nodes = new Map<string, Span[]>();
  const clients: Span[] = [];
  const cuts: number[] = [];
  const waits: { at: number; waitedMs: number; outcome: PageOutcome }[] = [];
  const events: { at: number; subject: string; look: Look }[] = [];
  for (const entry of entries) {
    switch (entry.kind) {
      case "node": {
        const look = nodeLook(entry.state);
        const spans = nodes.get(entry.node) ?? [];
        nodes.set(entry.node, spans);
        change(spans, entry.at, look);
        events.push({ at: entry.at, subject: entry.node, look });
        break;
      }
      case "route": {
        const look = routeLook(entry.route);
        change(clients, entry.at, look);
        events.push({
          at: entry.at,
          subject: "clients",
          look: { ...look, words: describe(look, entry.master) },
        });
        if (!entry.cut) break;
        cuts.push(entry.at);
        events.push({ at: entry.at, subject: "clients", look: CUT });
        break;
      }
      case "wait":
        waits.push(entry);
        break;
    }
  }
  const newest = events.slice(-MOST_EVENTS).reverse();
  return { since, nodes, clients, cuts, waits: inRows(waits), events: newest };
}

function describe(look: Look, master: string): string {
  return master === "" ? look.words : `${look.words} by ${master}`;
}

function change(spans: Span[], at: number, look: Look): void {
  const last = spans.at(-1);
  if (last) spans[spans.length - 1] = { ...last, to: at };
  spans.push({ from: at, to: Number.POSITIVE_INFINITY, look });
}

/** Puts each wait in the first row that is free when it begins; what finds none is drawn in the last. */
function inRows(waits: { at: number; waitedMs: number; outcome: PageOutcome }[]): Wait[] {
  const ends: number[] = [];
  return waits
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, waitedMs, outcome }) => {
      const free = ends.findIndex((end) => end <= at);
      const row = free >= 0 ? free : Math.min(ends.length, MOST_ROWS - 1);
      ends[row] = at + waitedMs;
      return { from: at, to: at + waitedMs, outcome, row };
    });
}
