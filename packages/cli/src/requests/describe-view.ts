import {
  type Ask,
  describeGroup,
  findAbsentHolds,
  type GroupStatus,
  type GroupView,
  isNode,
} from "@msdha/group";

/** A group as operators see it: with what is asked of nodes that are not there, and without what is no node's. */
export interface SeenGroup extends GroupStatus {
  /** Holds of nodes that have left the group: they are held back when they come again. */
  readonly absentHolds: readonly Ask[];
  /** The nodes that are to begin with new data, also of those that have left the group. */
  readonly reinits: readonly Ask[];
  /** Keys like a node's that no node wrote. */
  readonly strays: readonly Stray[];
  /** The lock's holder asks the candidates: its wait is over. */
  readonly isElecting: boolean;
}

/** A key of a node's name on no lease: a node's key always has one. While it is there, no node of that name can start. */
export interface Stray {
  readonly name: string;
  readonly state: string;
  readonly key: string;
}

/** Describes a view. Its texts are as etcd has them: escape them. */
export function describeView(view: GroupView): SeenGroup {
  const { election, lock } = view;
  return {
    ...describeGroup(view),
    absentHolds: findAbsentHolds(view),
    reinits: [...view.asks.values()].filter(({ kind }) => kind === "reinit"),
    strays: findStrays(view),
    isElecting: election !== undefined && election.lease === lock?.lease,
  };
}

/** Returns the keys like a node's that no node wrote, by name. */
export function findStrays({ keys, nodes }: Pick<GroupView, "keys" | "nodes">): readonly Stray[] {
  return [...nodes]
    .filter(([, entry]) => !isNode(entry))
    .map(([name, { state }]) => ({ name, state, key: keys.node(name) }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Returns the nodes that a group remembers and that are not there, by name: from its history, its requests, its last election. */
export function listAbsent(view: GroupView): readonly string[] {
  const { announced, asks, lastMaster, nodes, terms } = view;
  const known = [
    ...[...terms.values()].map(({ node }) => node),
    ...[...asks.values()].map(({ node }) => node),
    ...announced.keys(),
    lastMaster,
  ];
  const absent = known.filter((name) => name !== undefined && !nodes.has(name)) as readonly string[];
  return [...new Set(absent)].sort();
}
