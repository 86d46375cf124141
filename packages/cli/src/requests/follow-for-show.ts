import { systemClock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { type FollowOptions, followGroup, type GroupFollower } from "@msdha/group";
import type { Context } from "../context.ts";

/** A group that is followed until its command ends. */
export interface ShowFollower {
  readonly follower: GroupFollower;
  /** Aborts when the command should end, or with the error of etcd that has ended the following, as when it refuses the user. */
  readonly signal: AbortSignal;
}

/** Follows a group for a command that shows it again and again. */
export function followForShow(
  { signal: stop }: Pick<Context, "signal">,
  { client, group }: { readonly client: EtcdApi; readonly group: string },
  { onHealth }: Required<Pick<FollowOptions, "onHealth">>,
): ShowFollower {
  const lost = new AbortController();
  const signal = AbortSignal.any([stop, lost.signal]);
  const follower = followGroup(client, group, { clock: systemClock, signal, onHealth });
  // A promise that lasts is not raced against at each change: it would retain every one of them.
  follower.ended.catch((error: unknown) => lost.abort(error));
  return { follower, signal };
}
