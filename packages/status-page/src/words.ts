import type { PageNode, PageRoute, PageTerm } from "./protocol.ts";

/**
 * How a state looks: a sign and a class, so that it is never told by colour alone. The signs are those of `msdha list`: ● is a master
 * or a node that could take over, ◐ one that is still starting, ○ one that can't be the next master.
 */
export interface Look {
  readonly sign: string;
  readonly class: string;
  readonly words: string;
}

const NODE_LOOKS: Readonly<Record<string, Look>> = {
  master: { sign: "●", class: "master", words: "master" },
  ready: { sign: "●", class: "ready", words: "ready" },
  running_not_ready: { sign: "◐", class: "getting", words: "running, not ready" },
  start: { sign: "▷", class: "getting", words: "starts" },
  pre_start: { sign: "…", class: "getting", words: "before its start" },
  stopping: { sign: "○", class: "stopping", words: "stopping" },
  "": { sign: "✕", class: "gone", words: "gone" },
};

const ROUTE_LOOKS: Readonly<Record<PageRoute, Look>> = {
  serve: { sign: "●", class: "master", words: "served" },
  drain: { sign: "‖", class: "waiting", words: "new ones wait, sessions go on" },
  none: { sign: "‖", class: "waiting", words: "all wait" },
};

export const CUT: Look = { sign: "✂", class: "cut", words: "sessions cut" };

export function nodeLook(state: string): Look {
  const own = Object.hasOwn(NODE_LOOKS, state) ? NODE_LOOKS[state] : undefined;
  return own ?? { sign: "?", class: "unknown", words: state };
}

/** A node as it is now: one that is held back can't be the next master, whatever its state. */
export function presentLook({ state, hold }: Pick<PageNode, "state" | "hold">): Look {
  const look = nodeLook(state);
  return hold === null || state === "master" ? look : { ...look, sign: "○" };
}

export function routeLook(route: PageRoute): Look {
  return ROUTE_LOOKS[route];
}

/** `12 s`, `3 m 4 s`, `2 h 5 m`, `3 d 4 h`; below 10 s with tenths. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return two(Math.floor(whole / 60), "m", whole % 60, "s");
  const minutes = Math.floor(whole / 60);
  if (minutes < 1_440) return two(Math.floor(minutes / 60), "h", minutes % 60, "m");
  const hours = Math.floor(minutes / 60);
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

/** `0 B`, `512 kB`, `1.2 GB`; 1 kB is 1,024 bytes. */
export function bytes(amount: number): string {
  const power = amount < 1 ? 0 : Math.min(4, Math.floor(Math.log2(amount) / 10));
  const value = amount / 1_024 ** power;
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
}

function two(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** The time of day, or with the date when it is not today. */
export function time(ms: number, now: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "?";
  const clock = date.toLocaleTimeString([], { hour12: false });
  return Math.abs(now - ms) < 43_200_000 ? clock : `${date.toLocaleDateString()} ${clock}`;
}

/** How a master's time ended; a dash while it goes on. One that is over looks over, whether anybody has written its end or not. */
export function termEnd(
  { end }: Pick<PageTerm, "end">,
  { isPast, now }: { readonly isPast: boolean; readonly now: number },
): string {
  if (end) return `${end.at === null ? "" : `${time(end.at, now)} `}${end.why}`;
  return isPast ? "not known: its node has not run again since" : "–";
}
