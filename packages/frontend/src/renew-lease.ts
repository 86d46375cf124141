import { type Clock, notNeeded } from "@msdha/clock";
import { type EtcdApi, isEtcdError, type LeaseId } from "@msdha/etcd-client";

export interface RenewOptions {
  readonly ttlMs: number;
  /** When the lease was asked for. */
  readonly grantedAt: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The renewal of a lease that nothing has to prove. */
export interface LeaseRenewal {
  /** Resolves when etcd says that the lease is gone. Rejects with the reason of `signal`. */
  readonly gone: Promise<void>;
  /**
   * Renews now if a quarter of the TTL has passed. One request beside another costs a fraction of what it costs alone, where
   * the processor has slept before.
   */
  renewSoon(): void;
}

const SOON_TTLS = 1 / 4;
/** Later than a proof of the master, which comes every third of the TTL and takes the renewal with it. */
const LATEST_TTLS = 0.4;
const ANSWER_TTLS = 1 / 3;
const RETRY_TTLS = 1 / 30;

/**
 * Renews a lease by keepalives alone until etcd says that it is gone. One that fails is tried again soon, for ever: the lease
 * may live on, as its time stands still while etcd has no leader. Not promised: that the lease is alive now.
 */
export function renewLease(
  etcd: Pick<EtcdApi, "leaseKeepAlive">,
  id: LeaseId,
  { ttlMs, grantedAt, clock, signal }: RenewOptions,
): LeaseRenewal {
  let renewedAt = grantedAt;
  let pause = new AbortController();

  /** Resolves with whether the lease is alive; undefined when that could not be learned. */
  async function renew(): Promise<boolean | undefined> {
    const sent = clock.now();
    try {
      const seconds = await etcd.leaseKeepAlive(id, { timeoutMs: ANSWER_TTLS * ttlMs, signal });
      renewedAt = sent;
      return seconds > 0;
    } catch (error) {
      return isEtcdError(error, "ERR_ETCD_LEASE_NOT_FOUND") ? false : undefined;
    }
  }

  async function keepRenewing(): Promise<void> {
    let alive: boolean | undefined = true;
    while (alive !== false) {
      pause = new AbortController();
      const pauseMs = alive ? renewedAt + LATEST_TTLS * ttlMs - clock.now() : RETRY_TTLS * ttlMs;
      await clock.sleep(pauseMs, { signal: AbortSignal.any([pause.signal, signal]) }).catch(() => {});
      signal.throwIfAborted();
      alive = await renew();
      signal.throwIfAborted();
    }
  }

  const gone = keepRenewing();
  gone.catch(() => {});
  return {
    gone,
    renewSoon() {
      if (clock.now() - renewedAt >= SOON_TTLS * ttlMs) pause.abort(notNeeded);
    },
  };
}
