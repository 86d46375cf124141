import type {
  ICompare,
  IKeyValue,
  IRangeRequest,
  IRangeResponse,
  IRequestOp,
  IResponseOp,
  ITxnRequest,
  ITxnResponse,
} from "etcd3";
import type {
  Compare,
  KeyRange,
  KeyValue,
  Operation,
  OperationResult,
  RangeRequest,
  RangeResult,
  Transaction,
  TransactionResult,
} from "./api.ts";
import { prefixRangeEnd } from "./prefix.ts";
import { decodeText, encodeText } from "./text.ts";

/** etcd3's `ICompare` forgets the lease. */
type FullCompare = ICompare & { readonly lease?: string };

const comparisons = { "=": "Equal", ">": "Greater", "<": "Less" } as const;

export function rangeRequest({ key, prefix = false }: KeyRange): IRangeRequest & { key: Buffer } {
  // An empty prefix means every key; etcd's smallest possible key is one zero byte.
  if (prefix) return { key: key === "" ? Buffer.of(0) : encodeText(key), range_end: prefixRangeEnd(key) };
  return { key: encodeText(key) };
}

/** What a read asks for, as etcd's API has it. */
export function readRequest(read: RangeRequest): IRangeRequest {
  const { keysOnly = false, limit = 0, revision = 0, start } = read;
  const range = rangeRequest(read);
  const key = start === undefined ? range.key : encodeText(start);
  return { ...range, key, keys_only: keysOnly, limit, revision };
}

export function rangeResult({ revision: asked }: RangeRequest, response: IRangeResponse): RangeResult {
  const { kvs, header, more } = response;
  // An answer of an older revision still carries the newest one in its header.
  const revision = asked ?? Number(header.revision);
  const last = kvs.at(-1);
  // The first possible key after the last one that was read.
  const next = more && last ? { start: `${decodeText(last.key)}\0`, revision } : undefined;
  return { kvs: kvs.map(keyValue), revision, next };
}

export function keyValue(kv: IKeyValue): KeyValue {
  return {
    key: decodeText(kv.key),
    value: decodeText(kv.value),
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
    lease: kv.lease,
  };
}

export function txnRequest({ compare, success, failure }: Transaction): ITxnRequest {
  return {
    compare: compare.map(compareRequest),
    success: success.map(operationRequest),
    failure: failure.map(operationRequest),
  };
}

/** Reads each answer by the operation that it belongs to. */
export function txnResult(transaction: Transaction, response: ITxnResponse): TransactionResult {
  const asked = response.succeeded ? transaction.success : transaction.failure;
  return {
    succeeded: response.succeeded,
    results: asked.map((operation, index) => operationResult(operation, response.responses[index], response)),
    revision: Number(response.header.revision),
  };
}

function compareRequest(compare: Compare): FullCompare {
  const common = { key: encodeText(compare.key), result: comparisons[compare.is] };
  switch (compare.target) {
    case "create":
      return { ...common, target: "Create", create_revision: compare.value };
    case "mod":
      return { ...common, target: "Mod", mod_revision: compare.value };
    case "lease":
      return { ...common, target: "Lease", lease: compare.value };
    case "value":
      return { ...common, target: "Value", value: encodeText(compare.value) };
  }
}

function operationRequest(operation: Operation): IRequestOp {
  switch (operation.type) {
    case "range":
      return { request_range: rangeRequest(operation) };
    case "put": {
      const { key, value, lease = "0" } = operation;
      return { request_put: { key: encodeText(key), value: encodeText(value), lease } };
    }
    case "delete":
      return { request_delete_range: { key: encodeText(operation.key) } };
    case "txn":
      return { request_txn: txnRequest(operation) };
  }
}

function operationResult(
  operation: Operation,
  response: IResponseOp | undefined,
  { header }: ITxnResponse,
): OperationResult {
  switch (operation.type) {
    case "range":
      return { type: "range", kvs: (response?.response_range.kvs ?? []).map(keyValue) };
    case "put":
      return { type: "put" };
    case "delete":
      return { type: "delete", deleted: Number(response?.response_delete_range.deleted ?? 0) };
    case "txn": {
      if (!response) throw new Error("expected an answer to a nested transaction, got none");
      // A nested answer carries no header of its own.
      return { type: "txn", ...txnResult(operation, { ...response.response_txn, header }) };
    }
  }
}
