import { askName, type GroupView, mastership, newestToken } from "@msdha/group";

/** What has come of an order to promote a node, with the time of each step by this machine's clock. */
export interface Promotion {
  readonly node: string;
  readonly run: string;
  /** The last master's token when it was ordered, and the order's own revision. */
  readonly after: number;
  readonly request: number;
  /** The node has the lock, and said that it carries the order out: it can't be withdrawn any more. */
  readonly acceptedAt?: number;
  /** The order is gone, and was not accepted: another operator or its lease took it away. */
  readonly goneAt?: number;
  /** The run that was ordered has ended. */
  readonly endedAt?: number;
  /** This node, or another, is published. */
  readonly published?: { readonly node: string; readonly token: number; readonly at: number };
  /** And takes connections. */
  readonly openAt?: number;
}

/** Returns the promotion as a later view shows it. */
export function advancePromotion(before: Promotion, view: GroupView, now: number): Promotion {
  const { node, run, after, request } = before;
  if (view.revision < request) return before;
  const ask = view.asks.get(askName("promote", node));
  const master = mastership(view);
  let next = before;
  const add = (step: Partial<Promotion>): void => {
    next = { ...step, ...next };
  };
  if (ask?.accepted && ask.run === run) add({ acceptedAt: now });
  if (master.kind === "master" && master.token > after) {
    // The publication takes the order away: one that this command has missed was accepted before.
    if (master.name === node) add({ acceptedAt: now });
    add({ published: { node: master.name, token: master.token, at: now } });
    if (!master.held) add({ openAt: now });
  } else if (!ask && next.acceptedAt === undefined && newestToken(view.terms) === after) add({ goneAt: now });
  if (!view.nodes.has(node) || view.details.get(node)?.runId !== run) add({ endedAt: now });
  return next;
}
