import type { Clock, ManualClock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { acquireLease } from "@msdha/etcd-lease";
import { followGroup, type GroupFollower } from "../src/follow-group.ts";
import { groupKeys } from "../src/keys.ts";
import { joinGroup, type Membership } from "../src/membership.ts";

export interface ReadyNode<E extends EtcdApi> {
  readonly client: E;
  readonly follower: GroupFollower;
  readonly options: {
    readonly membership: Membership;
    readonly ttlSeconds: number;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  };
}

/** Makes a member of the group that is ready, with a TTL of 3 s. */
export async function makeReadyNode<E extends EtcdApi>(
  client: E,
  group: string,
  {
    name,
    clock,
    signal,
  }: { readonly name: string; readonly clock: ManualClock; readonly signal: AbortSignal },
): Promise<ReadyNode<E>> {
  const lease = await acquireLease(client, { ttlSeconds: 3, probeKey: "/msdha/", clock });
  const follower = followGroup(client, group, { clock, signal });
  const details = { runId: name, address: name, ttlSeconds: 3 };
  const membership = await joinGroup(client, groupKeys(group), { name, lease, details, clock, signal });
  await membership.enter("ready");
  await clock.advance(0);
  return { client, follower, options: { membership, ttlSeconds: 3, clock, signal } };
}
