import type { KeyValue, LeaseId } from "@msdha/etcd-client";

/**
 * What etcd must show for a lease to count as proved.
 * - With `createRevision` (a lock): the key has this create revision and is on the lease.
 * - Without (a node's own key): the key is on the lease.
 *
 * The key must be there when it is handed to `Lease.prove`: a first look that misses it loses the lease.
 */
export type LeaseProof =
  | {
      readonly key: string;
      readonly createRevision: number;
      /**
       * A key of the lease's own: each proof writes it, in a transaction that compares `key` and what it wrote last. Left
       * out: a proof is a read.
       */
      readonly written?: string | undefined;
      /** Further locks on the lease, which the same write compares: if one is lost, the lease is. Only with `written`. */
      readonly also?: readonly OwnLock[] | undefined;
    }
  | { readonly key: string; readonly createRevision?: undefined };

/** A lock, by its create revision. */
export interface OwnLock {
  readonly key: string;
  readonly createRevision: number;
}

/** Whether the keys that a linearizable read of `proof.key` found show that it is still held by `lease`. */
export function proves(
  kvs: readonly KeyValue[],
  proof: Pick<LeaseProof, "key" | "createRevision">,
  lease: LeaseId,
): boolean {
  const kv = kvs.find(({ key }) => key === proof.key);
  if (!kv || kv.lease !== lease) return false;
  return proof.createRevision === undefined || kv.createRevision === proof.createRevision;
}
