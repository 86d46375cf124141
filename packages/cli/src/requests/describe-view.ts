import { type Ask, describeGroup, findAbsentHolds, type GroupStatus, type GroupView } from "@msdha/group";

/** A group as operators see it: with what is asked of nodes that are not there. */
export interface SeenGroup extends GroupStatus {
  /** Holds of nodes that have left the group: they are held back when they come again. */
  readonly absentHolds: readonly Ask[];
}

/** Describes a view. Its texts are as etcd has them: escape them. */
export function describeView(view: GroupView): SeenGroup {
  return { ...describeGroup(view), absentHolds: findAbsentHolds(view) };
}
