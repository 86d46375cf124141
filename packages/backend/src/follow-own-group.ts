import type { ObservedRevisions } from "@msdha/etcd-lock";
import { followGroup, type GroupFollower, type Membership, mastership } from "@msdha/group";
import type { BackendConfig } from "./config.ts";
import { keepCurrentMaster } from "./current-master.ts";
import { endingOf } from "./ending.ts";
import { hookEnvironment } from "./hook-context.ts";
import type { BackendPorts } from "./node.ts";
import type { NodeEnd } from "./node-end.ts";
import { createNodeStateChanges, type NodeStateChanges } from "./node-state-change-hook.ts";

/** A group that a node follows, and what it does with what it sees: `node_state_change` and the files of the master. */
export interface FollowedGroup {
  readonly follower: GroupFollower;
  readonly changes: NodeStateChanges;
  /** From now on hooks find the state of this member. */
  joined(membership: Membership): void;
  /** Follows the group no more. */
  unfollow(): void;
}

/** Follows the node's group, from before the node joins it. A watch that can't go on ends the node. */
export function followOwnGroup(
  config: BackendConfig,
  { etcd, clock, hooks, files, log, baseEnvironment }: BackendPorts,
  { observed, end }: { readonly observed: ObservedRevisions; readonly end: NodeEnd },
): FollowedGroup {
  const following = new AbortController();
  const { signal } = following;
  let member: Membership | undefined;
  const follower = followGroup(etcd, config.group, {
    clock,
    signal,
    onHealth: (up, why) => {
      if (up) log.info("following the group");
      else log.warn({ err: why }, "can't follow the group; trying again");
    },
  });
  const changes = createNodeStateChanges(config, hooks, {
    clock,
    log,
    environment: () =>
      hookEnvironment(baseEnvironment, {
        hook: "node_state_change",
        state: member?.state ?? "pre_start",
        view: follower.view,
      }),
    onFailure: (error) => end.because({ kind: "failed", error }),
  });
  const writeCurrentMaster = keepCurrentMaster(files, () => mastership(follower.view), {
    clock,
    log,
    signal,
  });
  follower.listen((view, nodeChanges) => {
    observed.note(view.revision);
    writeCurrentMaster();
    for (const change of nodeChanges) changes.push(change);
  });
  follower.ended.catch((error: unknown) => {
    if (!signal.aborted) end.because(endingOf(error));
  });
  return {
    follower,
    changes,
    joined(membership) {
      member = membership;
    },
    unfollow: () => following.abort(new Error("the node has ended")),
  };
}
