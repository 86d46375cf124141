import type { EtcdApi } from "@msdha/etcd-client";
import type { HolderOptions } from "./held-lock.ts";
import { retryWhileLeased } from "./retry-while-leased.ts";

/** The lease of a hand-over that is still to be written. */
export interface HandoverLease {
  readonly id: string;
}

/** How long a hand-over stays true for the next holder to find. */
const HANDOVER_SECONDS = 60;

/** Grants the lease for a hand-over, ahead of the moment in which it is needed. */
export async function prepareHandover(
  etcd: EtcdApi,
  { lease, clock, signal }: HolderOptions,
): Promise<HandoverLease> {
  return await retryWhileLeased(lease, { clock, signal }, (call) => etcd.leaseGrant(HANDOVER_SECONDS, call));
}
