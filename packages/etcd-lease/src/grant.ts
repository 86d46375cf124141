import type { Clock } from "@msdha/clock";
import { type EtcdApi, EtcdUnavailableError, isEtcdError, type LeaseId } from "@msdha/etcd-client";

export interface GrantedLease {
  readonly id: LeaseId;
  /** The smaller of asked and granted: etcd raises small ones. */
  readonly ttlMs: number;
  /** When the request that was answered was sent. */
  readonly sent: number;
}

export interface GrantOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** How long a grant is tried for: two TTLs, and this at least. */
const SHORTEST_PATIENCE_MS = 5_000;
const RETRY_MS = 100;

/**
 * Asks for a lease until one is granted that has at least half of its time left, for two TTLs and at least 5 s.
 * Throws the last `EtcdUnavailableError` after that, any other error at once, and the reason of `signal`.
 */
export async function grantLease(
  etcd: EtcdApi,
  ttlSeconds: number,
  { clock, signal }: GrantOptions,
): Promise<GrantedLease> {
  const askedMs = ttlSeconds * 1_000;
  const until = clock.now() + Math.max(2 * askedMs, SHORTEST_PATIENCE_MS);
  for (;;) {
    signal?.throwIfAborted();
    const sent = clock.now();
    // The time to live counts from the request: an answer that takes longer is of no use.
    const timeoutMs = Math.min(askedMs / 2, until - sent);
    try {
      const grant = await etcd.leaseGrant(ttlSeconds, { timeoutMs, signal });
      const ttlMs = Math.min(askedMs, grant.ttlSeconds * 1_000);
      if (clock.now() - sent <= ttlMs / 2) return { id: grant.id, ttlMs, sent };
      throw new EtcdUnavailableError(`etcd granted a lease only after ${Math.round(clock.now() - sent)} ms`);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isEtcdError(error, "ERR_ETCD_UNAVAILABLE") || clock.now() + RETRY_MS >= until) throw error;
    }
    await clock.sleep(RETRY_MS, { signal });
  }
}
