import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { acquireLease, type Lease, type Nonce } from "@msdha/etcd-lease";
import type { GroupKeys } from "@msdha/group";
import type { Guard } from "@msdha/guard";
import { createFence, type Fence } from "./fence.ts";
import { createKillPermission, type KillPermission } from "./kill-permission.ts";
import { endWhenAborted, type NodeEnd, onAbort } from "./node-end.ts";

/** A lease, and what keeps the promise that nothing outlives it for long. */
export interface FencedLease {
  readonly lease: Lease;
  readonly fence: Fence;
  readonly permission: KillPermission;
}

export interface FencedLeaseOptions {
  readonly ttlSeconds: number;
  readonly keys: GroupKeys;
  readonly clock: Clock;
  readonly nonce: Nonce;
  readonly end: NodeEnd;
}

/**
 * Gets the node's lease. With each of its proofs the guard's kill time goes on, once the fence is armed, and the guard
 * is asked whether it may kill what it runs. The lease's loss ends the node; any loss closes the fence. The end of the
 * node ends only the attempt to get the lease: the lease is held to the very end of a stop.
 */
export async function acquireFencedLease(
  etcd: EtcdApi,
  guard: Guard,
  { ttlSeconds, keys, clock, nonce, end }: FencedLeaseOptions,
): Promise<FencedLease> {
  let fence: Fence | undefined;
  const permission = createKillPermission(guard, {
    onDenied: (error) => end.because({ kind: "failed", error }),
  });
  const lease = await acquireLease(etcd, {
    ttlSeconds,
    clock,
    nonce,
    signal: end.begun,
    probeKey: keys.lock,
    onProof(seen) {
      fence?.proven(seen);
      permission.check();
    },
  });
  const made = createFence(guard, { ttlMs: lease.ttlMs, seen: lease.seen });
  fence = made;
  onAbort(end.loss, () => made.close(clock.now()));
  endWhenAborted(end, lease.lost);
  return { lease, fence: made, permission };
}
