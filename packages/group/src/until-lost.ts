import type { Clock } from "@msdha/clock";
import { EtcdUnavailableError } from "@msdha/etcd-client";
import type { Lease } from "@msdha/etcd-lease";

/** How long to wait before etcd is asked again after it could not be reached at once. */
const PAUSE_MS = 50;

/**
 * Asks again while etcd does not answer, until the lease is lost or `signal` aborts, and rejects with the reason of
 * whichever comes first: within that time an answer may still come, past it nothing may be believed. Any other
 * error than `EtcdUnavailableError` is passed on.
 */
export async function untilLost<T>(
  lease: Lease,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
  ask: (timeoutMs: number) => Promise<T>,
): Promise<T> {
  const end = signal ? AbortSignal.any([lease.lost, signal]) : lease.lost;
  for (;;) {
    lease.throwIfLost();
    signal?.throwIfAborted();
    try {
      const answer = await ask(lease.ttlMs / 3);
      lease.throwIfLost();
      return answer;
    } catch (error) {
      lease.throwIfLost();
      signal?.throwIfAborted();
      if (!(error instanceof EtcdUnavailableError)) throw error;
      await clock.sleep(PAUSE_MS, { signal: end });
    }
  }
}
