import type { CallOptions, EtcdApi } from "@msdha/etcd-client";
import { rangeAnswer } from "@msdha/etcd-client";
import { LockLostError } from "@msdha/etcd-lock";
import type { GroupKeys } from "./keys.ts";
import type { MasterLock } from "./master-lock.ts";

/**
 * Stores a value with the group, if this lock is still the one: a former master can't. Once it has resolved, none of the
 * lock's earlier puts of this name can still be carried out, one that failed included; of two at a time either may be
 * the last. `timeoutMs` is for each of its requests, of which there are two, and two more for each other put that comes
 * between. Rejects with a `LockLostError` when the lock is not ours, and with etcd's errors, when the value may have been
 * stored all the same, or may be until the next put of this name resolves.
 */
export async function putValue(
  etcd: EtcdApi,
  keys: GroupKeys,
  name: string,
  value: string,
  { lock, ...options }: CallOptions & { readonly lock: Pick<MasterLock, "token" | "lease"> },
): Promise<void> {
  const key = keys.value(name);
  for (;;) {
    // Etcd may carry a transaction out again, or late: only what it stood on tells it from a newer one.
    const { kvs } = await etcd.range({ key }, options);
    const known = kvs[0]?.modRevision ?? 0;
    const result = await etcd.txn(
      {
        compare: [
          { key: keys.lock, target: "create", is: "=", value: lock.token },
          { key: keys.lock, target: "lease", is: "=", value: lock.lease },
          { key, target: "mod", is: "=", value: known },
        ],
        success: [{ type: "put", key, value }],
        failure: [
          { type: "range", key: keys.lock },
          { type: "range", key },
        ],
      },
      options,
    );
    if (result.succeeded) return;
    const [holder] = rangeAnswer(result, 0);
    if (holder?.createRevision !== lock.token || holder.lease !== lock.lease) {
      throw new LockLostError(lock.token);
    }
    const [stored] = rangeAnswer(result, 1);
    if (stored?.value === value) return;
  }
}

/** Reads a value of the group, linearizably; undefined when there is none. Rejects with etcd's errors. */
export async function getValue(
  etcd: EtcdApi,
  keys: GroupKeys,
  name: string,
  options: CallOptions,
): Promise<string | undefined> {
  const { kvs } = await etcd.range({ key: keys.value(name) }, options);
  return kvs[0]?.value;
}
