import { type Clock, withTimeout } from "@msdha/clock";
import type { CallOptions, EtcdApi } from "./api.ts";
import type { EtcdMemberInfo } from "./cluster-identity.ts";
import { EtcdClusterError, isEtcdError } from "./errors.ts";

/** A member that has said who it is. */
export interface KnownMember {
  readonly api: EtcdApi;
  readonly info: EtcdMemberInfo;
}

/** How long the lease that identifies a cluster outlives a client that dies in the middle. */
const MARK_SECONDS = 10;
const ASK_AGAIN_MS = 200;

/**
 * Checks that members hold the same: a lease that the first grants must be known to the others. Ids alone don't tell, as
 * two clusters that were set up alike have the same ones. Rejects with an `EtcdClusterError` if one does not know it.
 * A member that does not answer is left out; where the first can't grant (no space left), nothing is checked.
 */
export async function checkSameCluster(
  members: readonly KnownMember[],
  { clock, timeoutMs, signal }: CallOptions & { readonly clock: Clock },
): Promise<void> {
  const [first, ...others] = members;
  if (!first || others.length === 0) return;
  const options = { timeoutMs, signal };
  const mark = await first.api.leaseGrant(MARK_SECONDS, options).catch(() => undefined);
  signal?.throwIfAborted();
  if (!mark) return;
  try {
    await Promise.all(
      others.map(async (other) => {
        if (await knows(other.api, mark.id, { ...options, clock })) return;
        throw new EtcdClusterError(first.info, other.info);
      }),
    );
  } finally {
    await first.api.leaseRevoke(mark.id, { timeoutMs }).catch(() => {});
  }
}

/** Whether a member that has caught up knows the lease. One that can't be asked counts as one that does. */
async function knows(
  member: EtcdApi,
  lease: string,
  { clock, timeoutMs, signal }: CallOptions & { readonly clock: Clock },
): Promise<boolean> {
  const ask = async (limit: AbortSignal): Promise<boolean> => {
    const options = { timeoutMs, signal: limit };
    try {
      await member.range({ key: "\0" }, options);
    } catch (error) {
      // A user without the right to read that key is refused after the member has caught up.
      if (!isEtcdError(error, "ERR_ETCD_AUTH")) throw error;
    }
    if ((await member.leaseTimeToLive(lease, options)) > 0) return true;
    // One that has just become the leader may not have applied its log yet.
    await clock.sleep(ASK_AGAIN_MS, { signal: limit });
    return (await member.leaseTimeToLive(lease, options)) > 0;
  };
  try {
    return await withTimeout(clock, timeoutMs, ask, { signal });
  } catch {
    signal?.throwIfAborted();
    return true;
  }
}
