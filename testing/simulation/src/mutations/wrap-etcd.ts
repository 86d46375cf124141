import type {
  EtcdApi,
  KeyValue,
  OperationResult,
  Transaction,
  TransactionResult,
  WatchMessage,
} from "@msdha/etcd-client";

/** Changes on the way between a node and etcd; what is not given goes through as it is. */
export interface Tampering {
  readonly transaction?: (transaction: Transaction) => Transaction | Promise<Transaction>;
  readonly result?: (result: TransactionResult, asked: Transaction) => TransactionResult;
  /** Every key that a node reads, whichever way. */
  readonly kv?: (kv: KeyValue) => KeyValue;
}

/** An etcd that is tampered with. */
export function tamperWith(
  etcd: EtcdApi,
  { transaction: change, result: changeResult, kv = (same) => same }: Tampering,
): EtcdApi {
  function changeKeys(result: OperationResult): OperationResult {
    if (result.type === "range") return { ...result, kvs: result.kvs.map(kv) };
    return result.type === "txn" ? { ...result, results: result.results.map(changeKeys) } : result;
  }

  function changeMessage(message: WatchMessage): WatchMessage {
    return { ...message, events: message.events.map(({ type, kv: told }) => ({ type, kv: kv(told) })) };
  }

  return {
    ...etcd,
    async range(range, options) {
      const answer = await etcd.range(range, options);
      return { ...answer, kvs: answer.kvs.map(kv) };
    },
    async txn(transaction, options) {
      const asked = change ? await change(transaction) : transaction;
      const answer = await etcd.txn(asked, options);
      const result = { ...answer, results: answer.results.map(changeKeys) };
      return changeResult ? changeResult(result, asked) : result;
    },
    watch(request, options) {
      const stream = etcd.watch(request, options);
      return {
        requestProgress: () => stream.requestProgress(),
        async *[Symbol.asyncIterator]() {
          for await (const message of stream) yield changeMessage(message);
        },
      };
    },
  };
}
