import { joinJournal, type Lanes, layOut } from "../lanes.ts";
import type { PageEntry, PageState, PageTraffic } from "../protocol.ts";
import { bounds, LENGTHS, move, type TimeWindow } from "../window.ts";
import { describeWaits, drawLanes } from "./draw-lanes.ts";
import { banners, eventItems, facts, headline, lostBanner, termTable } from "./draw-words.ts";
import { byId, element, fill } from "./element.ts";
import { listen } from "./listen.ts";

const REDRAW_MS = 1_000;

let state: PageState | undefined;
let entries: readonly PageEntry[] = [];
let lanes: Lanes = layOut([], 0);
let traffic: PageTraffic = null;
let window: TimeWindow = { lengthMs: 900_000, end: undefined };
/** What the frontend's clock is ahead of this machine's. */
let aheadMs = 0;
let lostSince: number | undefined;
let waiting = false;

/** Draws at the next frame, once for all that came before it. */
function redraw(): void {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    draw();
  });
}

function draw(): void {
  if (!state) return;
  const now = Date.now() + aheadMs;
  const { text, bad } = headline(state);
  document.title = `${text} · ${state.group}`;
  byId("group").textContent = `group ${state.group}`;
  setText("headline", text);
  byId("headline").className = bad ? "bad" : "";
  setText("facts", facts(state, now));
  fill(byId("banners"), [
    ...(lostSince === undefined ? [] : [lostBanner(lostSince)]),
    ...banners(state, now),
  ]);
  const drawing = { lanes, state, traffic, now, ...bounds(window, now) };
  fill(byId("lanes"), drawLanes(drawing));
  setText("waits-note", describeWaits(drawing));
  fill(byId("terms"), [termTable(state, now)]);
  fill(byId("events"), eventItems(lanes, now));
  for (const button of byId("buttons").querySelectorAll("button")) {
    const { length } = button.dataset;
    if (length !== undefined) button.setAttribute("aria-pressed", String(Number(length) === window.lengthMs));
    if (button.dataset["live"]) button.setAttribute("aria-pressed", String(window.end === undefined));
  }
}

/** A text that is announced is set only when it changes. */
function setText(id: string, text: string): void {
  const place = byId(id);
  if (place.textContent !== text) place.textContent = text;
}

function show(next: TimeWindow): void {
  window = next;
  redraw();
}

function addButtons(): void {
  const button = (
    text: string,
    label: string,
    data: Readonly<Record<string, string>>,
    act: () => void,
  ): Node => {
    const attributes = { type: "button", "aria-label": label, ...data };
    const made = element("button", { attributes }, text);
    made.addEventListener("click", act);
    return made;
  };
  const now = (): number => Date.now() + aheadMs;
  byId("buttons").append(
    button("◀", "earlier", {}, () => show(move(window, -1, now()))),
    button("▶", "later", {}, () => show(move(window, 1, now()))),
    button("live", "live", { "data-live": "1" }, () => show({ ...window, end: undefined })),
    ...LENGTHS.map(({ name, ms }) =>
      button(name, `show ${name}`, { "data-length": String(ms) }, () => show({ ...window, lengthMs: ms })),
    ),
  );
}

addButtons();
listen("events", {
  onState(told) {
    state = told;
    aheadMs = told.now - Date.now();
    redraw();
  },
  onJournal(journal) {
    entries = joinJournal(entries, journal);
    lanes = layOut(entries, journal.since);
    redraw();
  },
  onTraffic(told) {
    traffic = told;
    redraw();
  },
  onReach(reached) {
    if (reached) lostSince = undefined;
    else lostSince ??= Date.now() + aheadMs;
    redraw();
  },
});
setInterval(redraw, REDRAW_MS);
