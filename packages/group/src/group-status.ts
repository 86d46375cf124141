import { type Ask, askName } from "./ask.ts";
import { plainState } from "./node-change.ts";
import { isNode } from "./ready-nodes.ts";
import type { NodeReport } from "./report.ts";
import type { Term } from "./term.ts";
import { type GroupView, type Mastership, mastership } from "./view.ts";

/** A group as people and programs want to see it: what one revision of etcd says, sorted. */
export interface GroupStatus {
  readonly revision: number;
  readonly master: Mastership;
  /** The node that has the lock and is not the master: it waits, or chooses, or stops. */
  readonly holder: string | undefined;
  /** By name. */
  readonly nodes: readonly NodeStatus[];
  /** The longest TTL of the group's record; undefined: there has been no master yet. */
  readonly ttlSeconds: number | undefined;
  readonly pause: Ask | undefined;
  readonly switchover: Ask | undefined;
  /** The masters that there were, the newest first. The first one is still master if its token is that of `master`. */
  readonly terms: readonly Term[];
  /** The host names of the frontends that have registered, by name. */
  readonly frontends: readonly string[];
}

export interface NodeStatus {
  readonly name: string;
  /** One of `nodeStates`; `stopping`: a lock's holder without a node key; `invalid`: what no node writes. */
  readonly state: string;
  readonly isMaster: boolean;
  /** When it came into its state, in ms since 1970, by its machine's wall clock. */
  readonly since: number | undefined;
  readonly address: string;
  readonly ttlSeconds: number | undefined;
  /** Which requests it understands; 0: none. */
  readonly asks: number;
  readonly run: string | undefined;
  readonly hold: Ask | undefined;
  /** An order to promote it though data may be lost. */
  readonly promotion: Ask | undefined;
  /** What its program says of itself; undefined: it has no `report` hook, or that failed. */
  readonly report: NodeReport | undefined;
}

/** Describes a view. Its texts are as etcd has them, and for nobody's terminal: escape them. */
export function describeGroup(view: GroupView): GroupStatus {
  const master = mastership(view);
  const holder = master.kind === "master" ? undefined : view.lock?.node;
  const names = new Set([...view.nodes].filter(([, entry]) => isNode(entry)).map(([name]) => name));
  if (master.kind === "master") names.add(master.name);
  if (master.kind === "stopping" && holder !== undefined) names.add(holder);
  return {
    revision: view.revision,
    master,
    holder,
    nodes: [...names].sort(byText).map((name) => describeNode(view, name, master)),
    ttlSeconds: view.ttl.seconds || undefined,
    pause: view.asks.get(askName("pause")),
    switchover: view.asks.get(askName("switchover")),
    terms: [...view.terms.values()].sort((a, b) => b.token - a.token),
    frontends: [...view.frontends.values()].map(({ host }) => host).sort(byText),
  };
}

function describeNode(view: GroupView, name: string, master: Mastership): NodeStatus {
  const entry = view.nodes.get(name);
  const details = view.details.get(name);
  return {
    name,
    state: entry ? plainState(entry.state) : "stopping",
    isMaster: master.kind === "master" && master.name === name,
    since: view.since.get(name),
    address: details?.address ?? name,
    ttlSeconds: details?.ttlSeconds,
    asks: details?.asks ?? 0,
    run: details?.runId,
    hold: view.asks.get(askName("hold", name)),
    promotion: view.asks.get(askName("promote", name)),
    report: view.reports.get(name),
  };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}
