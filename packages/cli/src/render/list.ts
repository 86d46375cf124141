import { type Ask, type GroupStatus, isOver, type NodeStatus } from "@msdha/group";
import type { SeenGroup } from "../requests/describe-view.ts";
import { formatBytes } from "./bytes.ts";
import { describeEnd, describeGap } from "./describe-term.ts";
import { formatDuration, formatRoughly } from "./duration.ts";
import { findNext } from "./next-master.ts";
import { plain } from "./plain.ts";
import type { Colour, Style } from "./style.ts";
import { type Cell, type Column, renderTable, wrapToWidth } from "./table.ts";
import { whyNoMaster } from "./why-no-master.ts";

/** Where nobody could ask etcd, only the nodes' own requests but new data are known. */
export type ListedGroup = GroupStatus &
  Partial<Pick<SeenGroup, "absentHolds" | "reinits" | "strays" | "isElecting">>;

export interface ListOptions {
  readonly group: string;
  /** The wall clock, in ms since 1970. */
  readonly now: number;
  /** How wide the terminal is. */
  readonly width: number;
  readonly style: Style;
  /** How many of etcd's members answered. */
  readonly etcd?: { readonly reached: number; readonly total: number } | undefined;
}

const COLUMNS: readonly Column[] = [
  { title: "  NODE", dropped: 0, atLeast: 8 },
  { title: "STATE", dropped: 0, atLeast: 12 },
  { title: "SINCE", dropped: 1, atLeast: 6 },
  { title: "ADDRESS", dropped: 4, atLeast: 12 },
  { title: "BEHIND", dropped: 3, atLeast: 6 },
  { title: "NOTE", dropped: 2, atLeast: 8 },
];

/** Shows a whole group: a line about the master, a table of nodes, and how the master came to be. */
export function renderList(status: ListedGroup, options: ListOptions): readonly string[] {
  const { width, style } = options;
  const rows = status.nodes.map((node) => renderNode(node, status, options));
  const wrap = (line: string): readonly string[] => wrapToWidth(line, width);
  const [titles, ...table] = rows.length === 0 ? [] : renderTable(COLUMNS, rows, width);
  const warnings = [...renderNoMaster(status, options), ...renderWarnings(status, options)];
  return [
    ...wrap(renderHeader(status, options)),
    ...warnings.flatMap(wrap).map((line) => style("yellow", line)),
    ...(titles === undefined ? [] : [style("dim", titles), ...table]),
    ...renderLastChange(status, options).flatMap(wrap),
  ];
}

function renderHeader(
  { master, holder, terms, ttlSeconds }: GroupStatus,
  { group, now, etcd }: ListOptions,
): string {
  const parts: string[] = [];
  if (master.kind === "master") {
    const term = terms.find(({ token }) => token === master.token);
    parts.push(`master ${plain(master.name)}`);
    if (term) parts.push(formatDuration(now - term.beganAt));
    parts.push(`token ${master.token}`);
  } else if (master.kind === "stopping") parts.push(`no master: ${plain(holder ?? "it")} is stopping`);
  else if (holder !== undefined) parts.push(`no master: ${plain(holder)} has the lock`);
  else parts.push("no master");
  if (ttlSeconds !== undefined) parts.push(`TTL ${ttlSeconds} s`);
  if (etcd) parts.push(`etcd ${etcd.reached}/${etcd.total}`);
  return `${plain(group)}   ${parts.join(" · ")}`;
}

/** Why there is no master, and what to do. A pause has a line of its own. */
function renderNoMaster(status: ListedGroup, { now }: ListOptions): readonly string[] {
  const reason = whyNoMaster(status, now);
  if (!reason || (status.pause && status.holder === undefined && status.nodes.length > 0)) return [];
  return [`▲ ${reason.what}`, `  → ${reason.todo}`];
}

function renderWarnings(
  { master, pause, switchover, nodes, absentHolds = [], reinits = [], strays = [] }: ListedGroup,
  options: ListOptions,
): readonly string[] {
  const lines: string[] = [];
  if (pause)
    lines.push(`▲ paused: no node will take over${describeAsk(pause, options)}; msdha resume ends it`);
  // One for an earlier master is nobody's business any more.
  if (switchover && (master.kind !== "master" || switchover.token === master.token))
    lines.push(`▲ a switchover to ${plain(switchover.to ?? "any ready node")} is asked for`);
  for (const hold of absentHolds) {
    if (isOver(hold, options.now)) continue;
    const node = plain(hold.node ?? "");
    lines.push(
      `▲ ${node}, which is not here, is held back${describeAsk(hold, options)}; msdha release ${node}`,
    );
  }
  for (const ask of reinits) {
    if (nodes.some(({ name }) => name === ask.node)) continue;
    const node = plain(ask.node ?? "");
    lines.push(
      `▲ ${node}, which is not here, begins with new data when it comes: ${describeReinit(ask, options)}; msdha reinit ${node} --cancel takes that back`,
    );
  }
  for (const { name, state, key } of strays) {
    lines.push(
      `▲ ${plain(name)} (${plain(state, 30)}) is no node: its key has no lease; etcdctl del ${plain(key, 1_000)}`,
    );
  }
  for (const { name, promotion } of nodes) {
    if (promotion)
      lines.push(`▲ ${plain(name)} is ordered to become the master, whatever is lost${whoAndWhy(promotion)}`);
  }
  return lines;
}

/** That a node is asked to begin with new data, since when, and by whom. */
export function describeReinit(ask: Ask, { now }: Pick<ListOptions, "now">): string {
  const since = ask.at > 0 ? ` ${formatRoughly(now - ask.at)} ago` : "";
  return `reinit asked for${since}${whoAndWhy(ask)}`;
}

function describeAsk(ask: Ask, { now }: Pick<ListOptions, "now">): string {
  const { until } = ask;
  if (until === undefined) return `${whoAndWhy(ask)}, without an end`;
  return `${whoAndWhy(ask)}, ${isOver({ until }, now) ? "over" : `${formatDuration(until - now)} left`}`;
}

function whoAndWhy({ why, by }: Ask): string {
  const reason = why === "" ? "" : `, "${plain(why, 100)}"`;
  if (by === "") return reason;
  return reason === "" ? `, by ${plain(by, 60)}` : `${reason} by ${plain(by, 60)}`;
}

/** What a node is, at a glance: a sign and a colour that say the same. */
function signOf({ isMaster, state, hold }: NodeStatus): { readonly sign: string; readonly colour: Colour } {
  if (isMaster) return { sign: "●", colour: "green" };
  if (hold || state === "stopping" || state === "invalid") return { sign: "○", colour: "red" };
  return state === "ready" ? { sign: "●", colour: "cyan" } : { sign: "◐", colour: "yellow" };
}

function renderNode(node: NodeStatus, status: ListedGroup, options: ListOptions): readonly Cell[] {
  const { style, now } = options;
  const { sign, colour } = signOf(node);
  return [
    {
      text: `${sign} ${plain(node.name, 253)}`,
      style: (text) => style(colour, text.slice(0, sign.length)) + text.slice(sign.length),
    },
    { text: node.hold ? `${node.state}, held` : node.state },
    { text: node.since === undefined ? "–" : formatRoughly(now - node.since) },
    { text: plain(node.address, 253) },
    { text: behindOf(node, status) },
    { text: noteOf(node, status, options) },
  ];
}

/** Nothing at all in a group without `report` hooks: the column is left out then. */
function behindOf({ report, isMaster }: NodeStatus, { nodes }: GroupStatus): string {
  if (nodes.every((node) => node.report === undefined)) return "";
  return isMaster || report?.behind === undefined ? "–" : formatBytes(report.behind);
}

function noteOf(node: NodeStatus, status: ListedGroup, options: ListOptions): string {
  const { holder } = status;
  const notes: string[] = [];
  const next = findNext(status);
  if (next?.node === node.name) notes.push(next.by === "only" ? "next" : "next by rank");
  if (node.hold) notes.push(describeAsk(node.hold, options).replace(/^, /, ""));
  const reinit = status.reinits?.find((ask) => ask.node === node.name);
  if (reinit) notes.push(describeReinit(reinit, options));
  if (node.state === "master" && !node.isMaster)
    notes.push("says it is master, but does not hold the lock; it is ending");
  else if (node.name === holder && node.state === "ready") notes.push("has the lock");
  if (node.asks === 0 && node.run !== undefined) notes.push("an older version, which takes no requests");
  if (node.report && node.report.note !== "") notes.push(plain(node.report.note, 100));
  return notes.join("; ");
}

function renderLastChange({ terms, master }: GroupStatus, { now }: ListOptions): readonly string[] {
  const [last, before] = terms;
  if (!last) return [];
  const isCurrent = master.kind === "master" && master.token === last.token;
  if (!isCurrent) {
    const end = describeEnd(last, { isCurrent }) ?? "";
    const name = plain(last.node);
    if (last.end?.at === undefined)
      return [
        `last: ${name} became master ${formatRoughly(now - last.beganAt)} ago, and is not any more: ${end}`,
      ];
    return [`last: ${name} was master until ${formatRoughly(now - last.end.at)} ago: ${end}`];
  }
  const age = `${formatRoughly(now - last.beganAt)} ago`;
  if (!before) return [`last: ${age}  ${plain(last.node)}, the first master that is known`];
  const why = describeEnd(before, { isCurrent: false }) ?? "";
  const length = describeGap(last, before);
  const gap = length === undefined ? "" : `, ${length} without a master`;
  const loss = last.losses === undefined ? "" : `; may have lost data: ${plain(last.losses)}`;
  return [`last: ${age}  ${plain(before.node)} → ${plain(last.node)}, ${why}${gap}${loss}`];
}
