import type { Lanes, Span } from "../lanes.ts";
import type { PageNode, PageState, PageTraffic } from "../protocol.ts";
import { bytes, CUT, duration, nodeLook, presentLook, routeLook, time } from "../words.ts";
import { element } from "./element.ts";

/** What is drawn, and the part of it that is shown. */
export interface Drawing {
  readonly lanes: Lanes;
  readonly state: PageState;
  readonly traffic: PageTraffic;
  readonly from: number;
  readonly to: number;
  readonly now: number;
}

const WAIT_ROW_PX = 4;
const MOST_SPANS = 300;

/** Draws one lane for the clients, one for their waits, and one for each node. */
export function drawLanes(drawing: Drawing): readonly Node[] {
  const { lanes, state, from, to, now } = drawing;
  const listed = new Set(state.nodes.map(({ name }) => name));
  const former = [...lanes.nodes.keys()].filter((name) => !listed.has(name));
  return [
    clientLane(drawing),
    waitLane(drawing),
    ...state.nodes.map((node) => nodeLane(node, drawing)),
    ...former.map((name) =>
      lane(name, `${nodeLook("").sign} gone`, track(lanes.nodes.get(name) ?? [], name, drawing)),
    ),
    element(
      "div",
      { class: "lane" },
      element("span", {}, ""),
      element(
        "div",
        { class: "axis" },
        element("span", {}, time(from, now)),
        element("span", {}, time(to, now)),
      ),
    ),
  ];
}

/** Says in words what the waits in view come to. */
export function describeWaits({ lanes: { waits }, from, to }: Drawing): string {
  const seen = waits.filter((wait) => wait.to >= from && wait.from <= to);
  if (seen.length === 0) return "No connection had to wait in this time.";
  const longest = Math.max(...seen.map((wait) => wait.to - wait.from));
  const lost = seen.filter(({ outcome }) => outcome !== "served").length;
  const end = lost === 0 ? "all were served" : `${lost} of them in vain (dashed)`;
  return `${seen.length} connections had to wait, the longest ${duration(longest)}; ${end}. Drawn to scale.`;
}

function clientLane(drawing: Drawing): Node {
  const { lanes, state, traffic } = drawing;
  const { sign, words } = routeLook(state.route);
  const counts = traffic ? `, ${traffic.sessions} sessions, ${traffic.waiting} wait` : "";
  const bar = track(lanes.clients, "clients", drawing);
  for (const at of lanes.cuts) {
    if (at < drawing.from || at > drawing.to) continue;
    const mark = element("div", {
      class: "mark",
      title: `${CUT.sign} ${CUT.words}, ${time(at, drawing.now)}`,
    });
    mark.style.left = percent(at, drawing);
    bar.append(mark);
  }
  return lane("clients", `${sign} ${words}${counts}`, bar);
}

function waitLane(drawing: Drawing): Node {
  const bar = element("div", { class: "track waits" });
  for (const { from, to, outcome, row } of drawing.lanes.waits) {
    if (to < drawing.from || from > drawing.to) continue;
    const title = `waited ${duration(to - from)}: ${outcome === "in_vain" ? "in vain" : outcome}`;
    const line = element("div", { class: `wait ${outcome}`, title });
    place(line, from, to, drawing);
    line.style.top = `${row * WAIT_ROW_PX * (16 / 24) + 2}px`;
    bar.append(line);
  }
  return lane("waits", "each connection that waited", bar);
}

function nodeLane(node: PageNode, drawing: Drawing): Node {
  const { sign, words } = presentLook(node);
  const since = node.since === null ? "" : `, ${duration(drawing.now - node.since)}`;
  const bar = track(drawing.lanes.nodes.get(node.name) ?? [], node.name, drawing);
  const isBehind = node.behind !== null && node.behind > 0 && node.state !== "master";
  const behind = isBehind ? `, ${bytes(node.behind)} behind` : "";
  const note = node.note === "" ? "" : `, ${node.note}`;
  const row = lane(node.name, `${sign} ${words}${since}${behind}${note}`, bar, node.address);
  if (node.hold) row.firstChild?.appendChild(element("span", { class: "badge" }, "✋ held"));
  return row;
}

function lane(name: string, note: string, bar: Node, title = name): HTMLElement {
  const label = element("div", { class: "name", title }, name, element("small", {}, note));
  return element("div", { class: "lane" }, label, bar);
}

function track(spans: readonly Span[], name: string, drawing: Drawing): HTMLElement {
  const shown = spans.filter(({ from, to }) => to >= drawing.from && from <= drawing.to).slice(-MOST_SPANS);
  const words = shown.map(({ from, look }) => `${look.words} from ${time(from, drawing.now)}`).slice(-20);
  const bar = element("div", {
    class: "track",
    attributes: { role: "img", "aria-label": `${name}: ${words.join(", ") || "nothing is known"}` },
  });
  for (const { from, to, look } of shown) {
    const end = Math.min(to, drawing.now);
    const title = `${look.words}, ${time(from, drawing.now)}, ${duration(end - from)}`;
    const span = element("div", { class: `span ${look.class}`, title }, `${look.sign} ${look.words}`);
    place(span, from, end, drawing);
    bar.append(span);
  }
  return bar;
}

function place(shape: HTMLElement, from: number, to: number, drawing: Drawing): void {
  const start = Math.max(from, drawing.from);
  const end = Math.min(to, drawing.to);
  shape.style.left = percent(start, drawing);
  shape.style.width = `${(100 * Math.max(0, end - start)) / (drawing.to - drawing.from)}%`;
}

function percent(at: number, { from, to }: Drawing): string {
  return `${(100 * (at - from)) / (to - from)}%`;
}
