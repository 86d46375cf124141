import {
  type Compare,
  EtcdLeaseNotFoundError,
  EtcdRequestError,
  type LeaseId,
  type Operation,
  type OperationResult,
  type Transaction,
  type TransactionResult,
} from "@msdha/etcd-client";
import type { Readable } from "./old-reads.ts";
import type { Writer } from "./store.ts";

/** etcd's default limit on the operations of a transaction. */
const MOST_OPERATIONS = 128;

/** Which branch a transaction takes, and its nested ones, each at the place of its operation. */
interface Path {
  readonly succeeded: boolean;
  readonly nested: readonly (Path | undefined)[];
}

/**
 * Carries out a transaction as etcd does: every compare, also those of nested transactions, looks at the state before
 * it, while its ranges see its own writes. Throws etcd's refusals; nothing has been written then.
 */
export function carryOut(
  store: Readable,
  transaction: Transaction,
  hasLease: (id: LeaseId) => boolean,
): TransactionResult {
  checkSize(transaction, MOST_OPERATIONS);
  checkOverlaps(transaction.success);
  checkOverlaps(transaction.failure);
  const path = choosePath(store, transaction);
  checkLeases(transaction, path, hasLease);
  let results: readonly OperationResult[] = [];
  store.write((writer) => {
    results = apply(writer, transaction, path);
  });
  return withRevision({ succeeded: path.succeeded, results, revision: 0 }, store.revision);
}

function checkSize({ compare, success, failure }: Transaction, most: number): void {
  const size = Math.max(compare.length, success.length, failure.length);
  if (size > most) throw new EtcdRequestError("etcdserver: too many operations in txn request");
  for (const operation of [...success, ...failure]) {
    if (operation.type === "txn") checkSize(operation, most - size);
  }
}

interface Written {
  readonly puts: Set<string>;
  readonly deletes: Set<string>;
}

/** No key may be written twice by what can be carried out together. */
function checkOverlaps(operations: readonly Operation[]): Written {
  const all: Written = { puts: new Set(), deletes: new Set() };
  for (const operation of operations) {
    if (operation.type === "delete") all.deletes.add(operation.key);
  }
  for (const operation of operations) {
    if (operation.type !== "txn") continue;
    const success = checkOverlaps(operation.success);
    const failure = checkOverlaps(operation.failure);
    // The two branches are never carried out together.
    for (const key of new Set([...success.puts, ...failure.puts])) addPut(all, key);
    for (const key of [...success.deletes, ...failure.deletes]) all.deletes.add(key);
  }
  for (const operation of operations) {
    if (operation.type === "put") addPut(all, operation.key);
  }
  return all;
}

function addPut({ puts, deletes }: Written, key: string): void {
  if (puts.has(key) || deletes.has(key)) throw duplicateKey();
  puts.add(key);
}

function duplicateKey(): EtcdRequestError {
  return new EtcdRequestError("etcdserver: duplicate key given in txn request");
}

function choosePath(store: Readable, { compare, success, failure }: Transaction): Path {
  const succeeded = compare.every((each) => holds(store, each));
  const taken = succeeded ? success : failure;
  return {
    succeeded,
    nested: taken.map((operation) => (operation.type === "txn" ? choosePath(store, operation) : undefined)),
  };
}

/** A missing key has create and mod revision 0 and lease 0; its value equals nothing, not even the empty text. */
function holds(store: Readable, compare: Compare): boolean {
  const kv = store.get(compare.key);
  switch (compare.target) {
    case "create":
      return relates(kv?.createRevision ?? 0, compare.is, compare.value);
    case "mod":
      return relates(kv?.modRevision ?? 0, compare.is, compare.value);
    case "lease":
      return (kv?.lease ?? "0") === compare.value;
    case "value":
      return kv !== undefined && kv.value === compare.value;
  }
}

function relates(found: number, is: "=" | ">" | "<", wanted: number): boolean {
  if (is === "=") return found === wanted;
  return is === ">" ? found > wanted : found < wanted;
}

function checkLeases(transaction: Transaction, path: Path, hasLease: (id: LeaseId) => boolean): void {
  takenBranch(transaction, path).forEach((operation, index) => {
    const nested = path.nested[index];
    if (operation.type === "txn" && nested) checkLeases(operation, nested, hasLease);
    if (operation.type !== "put" || operation.lease === undefined || operation.lease === "0") return;
    if (!hasLease(operation.lease)) throw new EtcdLeaseNotFoundError("etcdserver: requested lease not found");
  });
}

function apply(writer: Writer, transaction: Transaction, path: Path): readonly OperationResult[] {
  return takenBranch(transaction, path).map((operation, index) =>
    applyOne(writer, operation, path.nested[index]),
  );
}

function applyOne(writer: Writer, operation: Operation, nested: Path | undefined): OperationResult {
  switch (operation.type) {
    case "range":
      return { type: "range", kvs: writer.range(operation) };
    case "put":
      writer.put(operation.key, operation.value, operation.lease ?? "0");
      return { type: "put" };
    case "delete":
      return { type: "delete", deleted: writer.delete(operation.key) };
    case "txn": {
      if (!nested) throw new Error("expected a path for every nested transaction");
      return {
        type: "txn",
        succeeded: nested.succeeded,
        results: apply(writer, operation, nested),
        revision: 0,
      };
    }
  }
}

function takenBranch({ success, failure }: Transaction, { succeeded }: Path): readonly Operation[] {
  return succeeded ? success : failure;
}

function withRevision(result: TransactionResult, revision: number): TransactionResult {
  const results = result.results.map((each) =>
    each.type === "txn" ? { ...each, ...withRevision(each, revision) } : each,
  );
  return { ...result, results, revision };
}
