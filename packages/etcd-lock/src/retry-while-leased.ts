import type { Clock } from "@msdha/clock";
import { type CallOptions, isEtcdError } from "@msdha/etcd-client";
import type { Lease } from "@msdha/etcd-lease";

/** How long to wait before etcd is asked again after it could not be reached at once. */
const PAUSE_MS = 50;

/**
 * Repeats a request while etcd does not answer. Rejects with the lease's reason when the lease is lost, or with the
 * reason of `signal`, whichever comes first: a later answer must not be believed. Each try may take one TTL, so that an
 * etcd that is slow, but not too slow for the lease, has time to answer. Rejects at once with any error other than
 * `EtcdUnavailableError`.
 */
export async function retryWhileLeased<T>(
  lease: Lease,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
  ask: (call: CallOptions) => Promise<T>,
): Promise<T> {
  const end = signal ? AbortSignal.any([lease.lost, signal]) : lease.lost;
  for (;;) {
    lease.throwIfLost();
    signal?.throwIfAborted();
    try {
      const answer = await ask({ timeoutMs: lease.ttlMs, signal: end });
      lease.throwIfLost();
      return answer;
    } catch (error) {
      lease.throwIfLost();
      signal?.throwIfAborted();
      if (!isEtcdError(error, "ERR_ETCD_UNAVAILABLE")) throw error;
      await clock.sleep(PAUSE_MS, { signal: end });
    }
  }
}
