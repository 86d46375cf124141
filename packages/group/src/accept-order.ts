import { type EtcdApi, type KeyValue, rangeAnswer, type Transaction } from "@msdha/etcd-client";
import { retryWhileLeased } from "@msdha/etcd-lock";
import { type Ask, parseAsk, writeAsk } from "./ask.ts";
import type { GroupKeys } from "./keys.ts";
import type { LockOptions, MasterLock } from "./master-lock.ts";

/**
 * Marks an operator's order to promote this node as accepted, with the lock in hand. Resolves with whether the order is still
 * there: from then on the operator's command can't withdraw it. Rejects with the lease's reason when that is lost first, or with
 * the reason of `signal`.
 */
export async function acceptOrder(
  etcd: EtcdApi,
  keys: GroupKeys,
  { token }: MasterLock,
  order: Ask,
  { membership, clock, signal }: LockOptions,
): Promise<boolean> {
  const { lease } = membership;
  const key = keys.ask(order.kind, order.node);
  const value = writeAsk({ ...order, accepted: true });
  const acceptance: Transaction = {
    compare: [
      { key, target: "mod", is: "=", value: order.revision },
      { key: keys.lock, target: "create", is: "=", value: token },
      { key: keys.lock, target: "lease", is: "=", value: lease.id },
    ],
    success: [
      order.lease === "0" ? { type: "put", key, value } : { type: "put", key, value, lease: order.lease },
    ],
    failure: [{ type: "range", key }],
  };
  const result = await retryWhileLeased(lease, { clock, signal }, (call) => etcd.txn(acceptance, call));
  return result.succeeded || isOwn(rangeAnswer(result, 0)[0], order);
}

/** Whether an earlier try went through, and its answer was lost. */
function isOwn(present: KeyValue | undefined, order: Ask): boolean {
  const found = present && parseAsk(order.kind, order.node, present);
  return found?.accepted === true && found.run === order.run && found.token === order.token;
}
