import { hasCode } from "@msdha/app";
import type { LeaseLostError } from "@msdha/etcd-lease";
import type { Node } from "./node.ts";
import { onAbort } from "./node-end.ts";
import { settledLock } from "./role.ts";

/**
 * Kills everything at once if the lease is lost to a copy of this machine (a cloned live snapshot): the copy has the same
 * lock, and is what this node is.
 */
export function yieldToCopy(node: Node): void {
  const { lease, membership, succession } = node;
  onAbort(lease.lost, () => {
    const { reason } = lease.lost;
    const lock = settledLock(node.role);
    if (!lock || !hasCode<LeaseLostError>(reason, "ERR_LEASE_LOST") || reason.kind !== "copied") return;
    const published = membership.state === "master";
    succession.begin({ name: `a copy of ${membership.name}`, token: lock.token, published });
  });
}
