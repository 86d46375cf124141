import { type Ask, type GroupStatus, isOver, type NodeStatus, type Term } from "@msdha/group";
import type { PageAsk, PageNode, PageState, PageTerm } from "@msdha/status-page";
import type { Route } from "./proxy.ts";

/** What a page's state is made of. */
export interface PageParts {
  readonly group: string;
  readonly now: number;
  readonly route: Route;
  readonly following: boolean;
  readonly proven: boolean;
  readonly status: GroupStatus;
  readonly absentHolds: readonly Ask[];
}

/** Anybody who may write to the group can make up nodes and reasons. */
export const MOST_PAGE_NODES = 64;
const MOST_TERMS = 50;
const LONGEST_TEXT = 300;

/** Returns what the page shows of a group now. */
export function pageState({
  group,
  now,
  route,
  following,
  proven,
  status,
  absentHolds,
}: PageParts): PageState {
  const { nodes, pause, switchover, terms } = status;
  return {
    group,
    now,
    route: route.kind,
    master: route.kind === "serve" ? { name: route.master.name, since: route.master.since } : null,
    following,
    proven,
    nodes: nodes.slice(0, MOST_PAGE_NODES).map((node) => pageNode(node, now)),
    moreNodes: Math.max(0, nodes.length - MOST_PAGE_NODES),
    absentHolds: absentHolds
      .filter((hold) => !isOver(hold, now))
      .slice(0, MOST_PAGE_NODES)
      .map((hold) => ({ ...askText(hold), node: cut(hold.node ?? "") })),
    pause: pageAsk(pause, now),
    switchover: switchover ? { ...askText(switchover), to: switchover.to ?? null } : null,
    terms: terms.slice(0, MOST_TERMS).map(pageTerm),
  };
}

function pageNode(
  { name, state, since, address, hold, promotion, report }: NodeStatus,
  now: number,
): PageNode {
  return {
    name,
    state,
    since: since ?? null,
    address,
    hold: pageAsk(hold, now),
    promotion: pageAsk(promotion, now),
    behind: report?.behind ?? null,
    note: cut(report?.note ?? ""),
  };
}

/** A pause or hold whose time is over is none. */
function pageAsk(ask: Ask | undefined, now: number): PageAsk | null {
  return ask && !isOver(ask, now) ? askText(ask) : null;
}

function askText({ by, why, until }: Ask): PageAsk {
  return { by: cut(by), why: cut(why), until: until ?? null };
}

function pageTerm({ token, node, beganAt, takenAfter, gapMs, losses, end }: Term): PageTerm {
  return {
    token,
    node,
    beganAt,
    takenAfter,
    gapMs: gapMs ?? null,
    losses: losses === undefined ? null : cut(losses),
    end: end ? { why: cut(end.why), at: end.at ?? null } : null,
  };
}

function cut(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
}
