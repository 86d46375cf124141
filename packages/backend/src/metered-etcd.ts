import type { EtcdApi } from "@msdha/etcd-client";

/** Takes how long a call of etcd took, and whether it failed. */
export type NoteCall = (operation: string, seconds: number, failed: boolean) => void;

/** Returns the same etcd, whose calls are noted. A call that its own signal ended is none. */
export function meterEtcd<Etcd extends EtcdApi>(etcd: Etcd, note: NoteCall, now: () => number): Etcd {
  async function time<T>(
    operation: string,
    signal: AbortSignal | undefined,
    call: () => Promise<T>,
  ): Promise<T> {
    const begun = now();
    let failed = true;
    try {
      const result = await call();
      failed = false;
      return result;
    } finally {
      if (!failed || !signal?.aborted) note(operation, (now() - begun) / 1_000, failed);
    }
  }
  const metered: Omit<EtcdApi, "watch"> = {
    range: (range, options) => time("range", options.signal, () => etcd.range(range, options)),
    txn: (transaction, options) => time("txn", options.signal, () => etcd.txn(transaction, options)),
    leaseGrant: (ttl, options) => time("lease_grant", options.signal, () => etcd.leaseGrant(ttl, options)),
    leaseKeepAlive: (id, options) =>
      time("lease_keep_alive", options.signal, () => etcd.leaseKeepAlive(id, options)),
    leaseRevoke: (id, options) => time("lease_revoke", options.signal, () => etcd.leaseRevoke(id, options)),
    leaseTimeToLive: (id, options) =>
      time("lease_time_to_live", options.signal, () => etcd.leaseTimeToLive(id, options)),
  };
  return { ...etcd, ...metered };
}
