import type { Operation, Transaction, TransactionResult } from "@msdha/etcd-client";
import type { GroupKeys } from "@msdha/group";

/** Whether this transaction tries to take the lock. */
export function takesLock({ compare }: Transaction, keys: GroupKeys): boolean {
  return compare.some(({ key, target, value }) => key === keys.lock && target === "create" && value === 0);
}

/** Whether this transaction gives the lock back. */
export function givesLockBack({ success }: Transaction, keys: GroupKeys): boolean {
  return success.some((operation) => operation.type === "delete" && operation.key === keys.lock);
}

/** The same transaction without the compares of a key. */
export function withoutCompare(transaction: Transaction, key: string): Transaction {
  return { ...transaction, compare: transaction.compare.filter((compare) => compare.key !== key) };
}

/** The same transaction with every put of a key changed, in nested ones too. */
export function changePut(
  transaction: Transaction,
  key: string,
  change: (put: Operation & { readonly type: "put" }) => Operation,
): Transaction {
  const each = (operation: Operation): Operation => {
    if (operation.type === "txn") return { type: "txn", ...changePut(operation, key, change) };
    return operation.type === "put" && operation.key === key ? change(operation) : operation;
  };
  return { ...transaction, success: transaction.success.map(each), failure: transaction.failure.map(each) };
}

/** The answer of a take that consumed a hand-over, made of that of another take. */
export function asHandedOver(result: TransactionResult, keys: GroupKeys): TransactionResult {
  const createRevision = result.revision - 1;
  const kv = { key: keys.handover, value: "{}", lease: "0", createRevision, modRevision: createRevision };
  const inner = { ...result, succeeded: true, results: [{ type: "range", kvs: [kv] }] } as const;
  return { ...result, results: [{ type: "txn", ...inner }] };
}
