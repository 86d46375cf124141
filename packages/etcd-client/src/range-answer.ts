import type { KeyValue, TransactionResult } from "./api.ts";

/** The keys that a range of a transaction found; `path` leads through nested transactions. */
export function rangeAnswer(result: TransactionResult, ...path: readonly number[]): readonly KeyValue[] {
  const [index = 0, ...rest] = path;
  const answer = result.results[index];
  if (answer?.type === "txn" && rest.length > 0) return rangeAnswer(answer, ...rest);
  if (answer?.type === "range") return answer.kvs;
  throw new Error(
    `etcd answered a transaction with ${answer?.type ?? "nothing"} where a range was asked for`,
  );
}
