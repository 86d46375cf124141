import { systemClock } from "@msdha/clock";
import { connectEtcd, type Etcd, type Operation, readEtcdSettings } from "@msdha/etcd-client";
import type { EtcdMember } from "@msdha/testkit";
import type { Lease, LeaseLostError } from "../src/index.ts";

/** A client of the members or proxies at these ports, the first one being asked first. */
export function connect(...ports: readonly number[]): Etcd {
  const endpoints = ports.map((port) => `http://127.0.0.1:${port}`).join(",");
  return connectEtcd(readEtcdSettings({ ETCDCTL_ENDPOINTS: endpoints }));
}

/** Creates a key anew on the lease and resolves with its create revision. */
export async function putOnLease(etcd: Etcd, key: string, { id }: Lease): Promise<number> {
  const carryOut = (operation: Operation) =>
    etcd.txn({ compare: [], success: [operation], failure: [] }, { timeoutMs: 5_000 });
  await carryOut({ type: "delete", key });
  const { revision } = await carryOut({ type: "put", key, value: "x", lease: id });
  return revision;
}

export interface Loss {
  readonly error: LeaseLostError;
  /** When `lost` aborted, in ms on the boot-time clock. */
  readonly at: number;
}

/** Resolves when the lease is lost. */
export function lossOf(lease: Lease): Promise<Loss> {
  const loss = (): Loss => ({ error: lease.lost.reason, at: systemClock.now() });
  return new Promise((resolve) => {
    if (lease.lost.aborted) resolve(loss());
    else lease.lost.addEventListener("abort", () => resolve(loss()), { once: true });
  });
}

/** etcdctl takes lease ids in hexadecimal. */
export async function revokeByHand(etcd: EtcdMember, { id }: Lease): Promise<void> {
  await etcd.etcdctl("lease", "revoke", BigInt(id).toString(16));
}

/** Holds the event loop. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
