import type { CallOptions, Compare, EtcdApi, LeaseId, Operation, RangeRequest, Transaction } from "./api.ts";
import { encodeText } from "./text.ts";

/**
 * Returns the same client, whose calls reject with a `TypeError` that names what is wrong with an argument, before
 * anything is sent; `watch` throws it. A time that is over, 0 or less, is no wrong argument: such a call times out.
 */
export function checkArguments(api: EtcdApi): EtcdApi {
  return {
    ...api,
    async range(range, options) {
      checkRange(range);
      checkOptions(options);
      return await api.range(range, options);
    },
    async txn(transaction, options) {
      checkTransaction(transaction);
      checkOptions(options);
      return await api.txn(transaction, options);
    },
    async leaseGrant(ttlSeconds, options) {
      expectWhole("ttlSeconds", ttlSeconds, 1);
      checkOptions(options);
      return await api.leaseGrant(ttlSeconds, options);
    },
    async leaseKeepAlive(id, options) {
      checkLease(id);
      checkOptions(options);
      return await api.leaseKeepAlive(id, options);
    },
    async leaseRevoke(id, options) {
      checkLease(id);
      checkOptions(options);
      await api.leaseRevoke(id, options);
    },
    async leaseTimeToLive(id, options) {
      checkLease(id);
      checkOptions(options);
      return await api.leaseTimeToLive(id, options);
    },
    watch(request, options) {
      checkKey(request.key, request.prefix);
      if (request.startRevision !== undefined) expectWhole("startRevision", request.startRevision, 0);
      return api.watch(request, options);
    },
  };
}

/** Throws a `TypeError` for a key that etcd can't have. An empty one is a prefix of every key. */
export function checkKey(key: unknown, prefix: boolean | undefined = false): void {
  if (typeof key === "string" && (key !== "" || prefix)) return;
  throw new TypeError(`expected a key that is not empty, got ${show(key)}`);
}

/** The longest time that a timer of Node.js can run for, about 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

function checkOptions(options: CallOptions | undefined): void {
  const timeoutMs = options?.timeoutMs;
  if (typeof timeoutMs === "number" && timeoutMs <= LONGEST_MS) return;
  throw new TypeError(`expected timeoutMs as a number of at most ${LONGEST_MS}, got ${show(timeoutMs)}`);
}

function checkRange({ key, prefix, start, limit, revision }: RangeRequest): void {
  checkKey(key, prefix);
  if (limit !== undefined) expectWhole("limit", limit, 1);
  if (revision !== undefined) expectWhole("revision", revision, 1);
  if (start === undefined) return;
  const within = typeof start === "string" && begins(encodeText(start), encodeText(key));
  if (!within || !prefix) {
    throw new TypeError(`expected start as a key of a prefix's range, got ${show(start)} for ${show(key)}`);
  }
}

function begins(bytes: Buffer, first: Buffer): boolean {
  return bytes.subarray(0, first.length).equals(first);
}

function checkTransaction({ compare, success, failure }: Transaction): void {
  for (const each of expectList("compare", compare)) checkCompare(each);
  for (const each of expectList("success", success)) checkOperation(each);
  for (const each of expectList("failure", failure)) checkOperation(each);
}

function checkCompare(compare: Compare): void {
  checkKey(compare.key);
  const { is, target, value } = compare;
  if (!["=", ">", "<"].includes(is)) {
    throw new TypeError(`expected "is" as "=", ">" or "<", got ${show(is)}`);
  }
  if (target === "create" || target === "mod") expectWhole(`the ${target} revision`, value, 0);
  else if (target === "lease") checkLease(value);
  else if (target === "value") checkValue(value);
  else throw new TypeError(`expected target as "create", "mod", "lease" or "value", got ${show(target)}`);
}

function checkOperation(operation: Operation): void {
  const { type } = operation;
  if (type === "txn") {
    checkTransaction(operation);
    return;
  }
  if (type !== "range" && type !== "put" && type !== "delete") {
    throw new TypeError(`expected an operation "range", "put", "delete" or "txn", got ${show(operation)}`);
  }
  checkKey(operation.key, type === "range" && operation.prefix);
  if (type !== "put") return;
  checkValue(operation.value);
  if (operation.lease !== undefined) checkLease(operation.lease);
}

function checkValue(value: unknown): void {
  if (typeof value !== "string") throw new TypeError(`expected the value as a string, got ${typeof value}`);
}

function checkLease(id: LeaseId): void {
  if (typeof id === "string" && /^-?\d{1,19}$/.test(id)) return;
  throw new TypeError(`expected a lease id as a decimal text, got ${show(id)}`);
}

function expectWhole(name: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  throw new TypeError(`expected ${name} to be a whole number from ${least} on, got ${show(value)}`);
}

function expectList<T>(name: string, list: readonly T[]): readonly T[] {
  if (Array.isArray(list)) return list;
  throw new TypeError(`expected ${name} as an array, got ${show(list)}`);
}

function show(value: unknown): string {
  return typeof value === "string" || (typeof value === "object" && value !== null)
    ? (JSON.stringify(value) ?? String(value))
    : String(value);
}
