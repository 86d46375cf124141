import type { CallOptions, EtcdApi } from "@msdha/etcd-client";
import { LockLostError } from "./errors.ts";
import type { GroupKeys } from "./keys.ts";
import type { MasterLock } from "./master-lock.ts";

/**
 * Stores a value with the group, if this lock is still the one: a former master can't. Rejects with a
 * `LockLostError` when it is not, and with etcd's errors, when the value may have been stored all the same.
 */
export async function putValue(
  etcd: EtcdApi,
  keys: GroupKeys,
  name: string,
  value: string,
  { lock, ...options }: CallOptions & { readonly lock: Pick<MasterLock, "token" | "lease"> },
): Promise<void> {
  const { succeeded } = await etcd.txn(
    {
      compare: [
        { key: keys.lock, target: "create", is: "=", value: lock.token },
        { key: keys.lock, target: "lease", is: "=", value: lock.lease },
      ],
      success: [{ type: "put", key: keys.value(name), value }],
      failure: [{ type: "range", key: keys.lock }],
    },
    options,
  );
  if (!succeeded) throw new LockLostError(lock.token);
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
