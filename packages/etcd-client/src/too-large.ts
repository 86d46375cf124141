import type { Operation, Transaction } from "./api.ts";
import { EtcdTooLargeError } from "./errors.ts";
import { encodeText } from "./text.ts";

/** Returns the error with the size of the transaction that it refuses, if it has none. */
export function withSize(
  error: EtcdTooLargeError,
  transaction: Transaction,
  where: string,
): EtcdTooLargeError {
  const { sizeBytes = sizeOf(transaction), limitBytes, cause } = error;
  return new EtcdTooLargeError(where, { sizeBytes, limitBytes, cause });
}

/** The bytes of all keys and values. */
function sizeOf({ compare, success, failure }: Transaction): number {
  const compared = compare.map((each) => bytesOf(each.key, each.target === "value" ? each.value : ""));
  return sum([...compared, ...success.map(sizeOfOperation), ...failure.map(sizeOfOperation)]);
}

function sizeOfOperation(operation: Operation): number {
  if (operation.type === "txn") return sizeOf(operation);
  return bytesOf(operation.key, operation.type === "put" ? operation.value : "");
}

function bytesOf(...texts: readonly string[]): number {
  return sum(texts.map((text) => encodeText(text).length));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
