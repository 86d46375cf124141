import type { EtcdApi, LeaseId } from "@msdha/etcd-client";
import { rangeAnswer } from "@msdha/etcd-client";
import type { GroupKeys } from "./keys.ts";

export interface ClaimOptions {
  /** Keeps the value only as long as this lease lives; for ever unless given. */
  readonly lease?: LeaseId | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stores a value with the group unless there is one under that name; resolves with the value that is there, which is
 * the first one that was ever claimed. Rejects with etcd's errors; the claim may have been carried out nevertheless:
 * claim again to find out.
 */
export async function claim(
  etcd: EtcdApi,
  keys: GroupKeys,
  name: string,
  value: string,
  { lease, timeoutMs, signal }: ClaimOptions,
): Promise<string> {
  const key = keys.claim(name);
  const result = await etcd.txn(
    {
      compare: [{ key, target: "create", is: "=", value: 0 }],
      success: [lease === undefined ? { type: "put", key, value } : { type: "put", key, value, lease }],
      failure: [{ type: "range", key }],
    },
    { timeoutMs, signal },
  );
  if (result.succeeded) return value;
  const [winner] = rangeAnswer(result, 0);
  return winner ? winner.value : value;
}
