import type { CallOptions, EtcdApi, KeyRange, KeyValue, LeaseId, RangeRequest, RangeResult } from "./api.ts";
import { checkKey } from "./check-arguments.ts";
import { decodeText, encodeText } from "./text.ts";

/** A key or a value: a text, which is UTF-8 in etcd, or any bytes. */
export type Content = string | Uint8Array;

export interface KeyCallOptions {
  /** How long the call may take, over every member that is tried. Default: 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface GetOptions extends KeyCallOptions {
  /** Reads the key as it was at this revision. Default: as it is now. */
  readonly revision?: number | undefined;
}

export interface PutOptions extends KeyCallOptions {
  /** The key is deleted when this lease ends. Default: it stays. */
  readonly lease?: LeaseId | undefined;
}

/** What a read of several keys asks for, with keys as texts or bytes. */
export interface ContentRange extends Omit<RangeRequest, keyof KeyRange> {
  /** One key, or with `prefix` the beginning of every key to read. */
  readonly key: Content;
  readonly prefix?: boolean;
}

/** Has a read resolve with keys and values as bytes. Default: texts, as `KeyValue` describes them. */
export interface AsBytes {
  readonly bytes: true;
}

/**
 * Calls with a time limit by default, whose keys and values are texts or bytes. They reject as the calls of `EtcdApi`
 * do, and with a `TypeError` that names an argument which is wrong.
 */
export interface KeyCalls {
  /** Reads a key, linearizably. Resolves with undefined if there is none. */
  get(key: Content, options: GetOptions & AsBytes): Promise<KeyValue<Uint8Array> | undefined>;
  get(key: Content, options?: GetOptions): Promise<KeyValue | undefined>;
  /**
   * Puts a key, whatever was there. Resolves with the revision of the put. A put can be carried out twice, and also after
   * its call has failed: for a value that others may change meanwhile use `txn` with compares.
   */
  put(key: Content, value: Content, options?: PutOptions): Promise<{ readonly revision: number }>;
  /** Deletes a key. Resolves with whether there was one; an answer that was lost on the way reads as if there was none. */
  delete(key: Content, options?: KeyCallOptions): Promise<boolean>;
  /** Reads a key or a prefix, linearizably, in one answer: see `limit` for a prefix that may be large, or `readAll`. */
  range(range: ContentRange, options: KeyCallOptions & AsBytes): Promise<RangeResult<Uint8Array>>;
  range(range: ContentRange, options?: KeyCallOptions): Promise<RangeResult>;
}

const TIMEOUT_MS = 5_000;

/** Returns these calls over any client. */
export function createKeyCalls(api: Pick<EtcdApi, "range" | "txn">): KeyCalls {
  async function read(
    { key, ...request }: ContentRange,
    options: ReadOptions,
  ): Promise<RangeResult<unknown>> {
    const answer = await api.range({ ...request, key: textOf("key", key) }, limitsOf(options));
    return options?.bytes ? { ...answer, kvs: answer.kvs.map(bytesOf) } : answer;
  }
  return {
    // The overloads say what `bytes` makes of the answer.
    range: read as KeyCalls["range"],
    get: (async (key: Content, { revision, ...options }: GetOptions & Partial<AsBytes> = {}) => {
      const { kvs } = await read({ key: checked(key), revision }, inTime(options));
      return kvs[0];
    }) as KeyCalls["get"],
    async put(key, value, { lease, ...options } = {}) {
      const put = {
        type: "put",
        key: checked(key),
        value: textOf("value", value),
        ...(lease !== undefined && { lease }),
      } as const;
      const transaction = { compare: [], success: [put], failure: [] };
      const { revision } = await api.txn(transaction, limitsOf(inTime(options)));
      return { revision };
    },
    async delete(key, options) {
      const success = [{ type: "delete", key: checked(key) }] as const;
      const transaction = { compare: [], success, failure: [] };
      const { results } = await api.txn(transaction, limitsOf(inTime(options)));
      const [result] = results;
      return result?.type === "delete" && result.deleted > 0;
    },
  };
}

type ReadOptions = (KeyCallOptions & Partial<AsBytes>) | undefined;

function limitsOf({ timeoutMs = TIMEOUT_MS, signal }: KeyCallOptions = {}): CallOptions {
  return { timeoutMs, signal };
}

/** Refuses a time that can't be long enough for any call. */
function inTime<Options extends KeyCallOptions | undefined>(options: Options): Options {
  const { timeoutMs = TIMEOUT_MS } = options ?? {};
  if (!(timeoutMs > 0)) throw new TypeError(`expected timeoutMs to be more than 0, got ${timeoutMs}`);
  return options;
}

function checked(key: Content): string {
  const text = textOf("key", key);
  checkKey(text);
  return text;
}

function textOf(name: string, content: Content): string {
  if (typeof content === "string") return content;
  if (content instanceof Uint8Array) return decodeText(content);
  throw new TypeError(`expected the ${name} as a string or a Uint8Array, got ${typeof content}`);
}

function bytesOf({ key, value, ...rest }: KeyValue): KeyValue<Uint8Array> {
  return { ...rest, key: encodeText(key), value: encodeText(value) };
}
