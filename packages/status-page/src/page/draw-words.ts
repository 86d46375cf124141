import type { Lanes } from "../lanes.ts";
import type { PageAsk, PageState } from "../protocol.ts";
import { duration, termEnd, time } from "../words.ts";
import { element } from "./element.ts";

/** The headline, and whether it is bad news. It is read out loud whenever it changes. */
export function headline({ master, route, proven }: PageState): { text: string; bad: boolean } {
  if (master) return { text: `● ${master.name} is master`, bad: false };
  if (route === "none") return { text: "✕ No master: connections wait", bad: true };
  return {
    text: proven ? "‖ The master changes: connections wait" : "‖ No quorum of etcd: connections wait",
    bad: true,
  };
}

export function facts(state: PageState, now: number): string {
  const { master, nodes, moreNodes, following, proven } = state;
  const ready = nodes.filter(({ state, hold }) => state === "ready" && hold === null).length;
  const more = moreNodes > 0 ? ` (${moreNodes} not shown)` : "";
  const facts = [
    ...(master ? [`for ${duration(now - master.since)}`] : []),
    `${nodes.length + moreNodes} nodes${more}, ${ready} ready to take over`,
    `${following ? "etcd is followed" : "etcd can't be followed"}${proven ? "" : ", and confirms no master"}`,
  ];
  return facts.join(" · ");
}

/** What an operator has asked for, large. */
export function banners(state: PageState, now: number): readonly Node[] {
  const { pause, switchover, nodes, absentHolds } = state;
  const shown: Node[] = [];
  const isOn = (ask: PageAsk | null): ask is PageAsk =>
    ask !== null && (ask.until ?? Number.POSITIVE_INFINITY) > now;
  if (isOn(pause)) shown.push(banner("‖ Paused: no node becomes master", pause, now));
  if (switchover) shown.push(banner(`⇄ Switchover to ${switchover.to ?? "any node"}`, switchover, now));
  for (const { name, hold, promotion } of nodes) {
    if (isOn(hold)) shown.push(banner(`✋ ${name} is held: it does not become master`, hold, now));
    if (isOn(promotion))
      shown.push(banner(`⚠ ${name} is ordered to become master, whatever is lost`, promotion, now));
  }
  for (const hold of absentHolds) {
    if (isOn(hold)) shown.push(banner(`✋ ${hold.node}, which is not here, is held`, hold, now));
  }
  return shown;
}

export function lostBanner(since: number): Node {
  return element(
    "div",
    { class: "banner bad" },
    "⚠ This frontend does not answer",
    element("small", {}, `What is shown is of ${time(since, since)}. Trying again.`),
  );
}

function banner(text: string, { by, why, until }: PageAsk, now: number): Node {
  const end = until === null ? "until it is taken back" : `${duration(until - now)} left`;
  const words = [why === "" ? "" : `“${why}”`, by === "" ? "" : `by ${by}`, end].filter(
    (part) => part !== "",
  );
  return element("div", { class: "banner" }, text, element("small", {}, words.join(" · ")));
}

/** The masters that there were. */
export function termTable({ terms, route }: Pick<PageState, "terms" | "route">, now: number): Node {
  if (terms.length === 0) return element("p", {}, "The group has no history yet.");
  const head = ["from", "node", "without a master", "ended"].map((text) =>
    element("th", { attributes: { scope: "col" } }, text),
  );
  const rows = terms.map((term, index) => {
    const { beganAt, node, takenAfter, gapMs, losses } = term;
    const gap = gapMs === null ? "not known" : duration(gapMs);
    const lost = losses === null ? "" : `, ⚠ ${losses}`;
    const how = `${gap}, ${takenAfter === "handover" ? "handed over" : "after the wait"}${lost}`;
    const ended = termEnd(term, { isPast: index > 0 || route === "none", now });
    return element(
      "tr",
      {},
      ...[time(beganAt, now), node, how, ended].map((text) => element("td", {}, text)),
    );
  });
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
}

export function eventItems({ events }: Lanes, now: number): readonly Node[] {
  return events.map(({ at, subject, look }) =>
    element(
      "li",
      {},
      element("time", {}, time(at, now)),
      element("span", {}, `${look.sign} ${subject}: ${look.words}`),
    ),
  );
}
