import type { Clock } from "@msdha/clock";
import { type CallOptions, isEtcdError } from "@msdha/etcd-client";
import type { Lease } from "@msdha/etcd-lease";

/** How long to wait before etcd is asked again after it could not be reached at once. */
const PAUSE_MS = 50;

/**
 * Asks again while etcd does not answer, until the lease is lost or `signal` aborts, and rejects with the reason of
 * whichever comes first: within that time an answer may still come, past it nothing may be believed. Each try has one
 * TTL, so that an etcd that is slow, but not too slow for the lease, is not given up. Any other error than
 * `EtcdUnavailableError` is passed on.
 */
export async function untilLost<T>(
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
