import { describeGroup, type LocalView, mastership, plainState } from "@msdha/group";
import type { Node } from "./node.ts";
import { behindOf } from "./standing.ts";

/** What `msdha-backend status` prints. */
export interface NodeStatus {
  readonly group: string;
  readonly node: string;
  readonly state: string;
  /** Whether the node is on its way to the end. */
  readonly ending: boolean;
  readonly master: string | null;
  readonly masterAddress: string | null;
  readonly nodes: Readonly<Record<string, string>>;
  /** Where each node is reached. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly nodeStateChangeFailures: number;
  /** How many bytes of the master's data the node lacks, and a note, by its `report` hook: null and empty without one. */
  readonly behindBytes: number | null;
  readonly note: string;
  /** What the `alive` hook says: null where there is none, or before its first run. */
  readonly alive: { readonly failures: number; readonly failure: string | null } | null;
}

/** Returns what `msdha-backend status` and the status port show of a node. */
export function describeNode(node: Node): NodeStatus {
  const { config, membership, follower, end, changes, liveness, latestReport } = node;
  const master = mastership(follower.view);
  const { latest } = liveness;
  return {
    group: config.group,
    node: config.name,
    state: membership.state,
    ending: end.begun.aborted,
    master: master.kind === "master" ? master.name : null,
    masterAddress: master.kind === "master" ? master.address : null,
    nodes: Object.fromEntries([...follower.view.nodes].map(([name, { state }]) => [name, plainState(state)])),
    addresses: Object.fromEntries([...follower.view.details].map(([name, { address }]) => [name, address])),
    nodeStateChangeFailures: changes.failures,
    behindBytes: behindOf(node) ?? null,
    note: latestReport.report?.note ?? "",
    alive: latest ? { failures: latest.failures, failure: latest.failure ?? null } : null,
  };
}

/** Returns what a node knows of its whole group, and how long ago a quorum of etcd has last proven its lease. */
export function describeKnown({ clock, config, follower, lease }: Node): LocalView {
  return {
    group: config.group,
    by: `node ${config.name}`,
    ageMs: Math.round(clock.now() - lease.seen),
    status: describeGroup(follower.view),
  };
}
