import type { EtcdApi, KeyValue, LeaseId } from "./api.ts";

export interface KeyCallOptions {
  /** How long the call may take, over every member that is tried. Default: 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Calls for one key. They reject as the calls of `EtcdApi` do, and with a `TypeError` for an empty key. */
export interface KeyCalls {
  /** Reads a key, linearizably. Resolves with undefined if there is none. */
  get(key: string, options?: KeyCallOptions): Promise<KeyValue | undefined>;
  /**
   * Puts a key, whatever was there. Resolves with the revision of the put. A put can be carried out twice, and also after
   * its call has failed: for a value that others may change meanwhile use `txn` with compares.
   */
  put(
    key: string,
    value: string,
    options?: KeyCallOptions & {
      /** The key is deleted when this lease ends. Default: it stays. */
      readonly lease?: LeaseId | undefined;
    },
  ): Promise<{ readonly revision: number }>;
  /** Deletes a key. Resolves with whether there was one; an answer that was lost on the way reads as if there was none. */
  delete(key: string, options?: KeyCallOptions): Promise<boolean>;
}

const TIMEOUT_MS = 5_000;

/** Returns the calls for one key over any client. */
export function createKeyCalls({ range, txn }: Pick<EtcdApi, "range" | "txn">): KeyCalls {
  return {
    async get(key, options) {
      const { kvs } = await range({ key: checked(key) }, complete(options));
      return kvs[0];
    },
    async put(key, value, { lease, ...options } = {}) {
      if (typeof value !== "string")
        throw new TypeError(`expected the value as a string, got ${typeof value}`);
      const put = { type: "put", key: checked(key), value, ...(lease !== undefined && { lease }) } as const;
      const { revision } = await txn({ compare: [], success: [put], failure: [] }, complete(options));
      return { revision };
    },
    async delete(key, options) {
      const success = [{ type: "delete", key: checked(key) }] as const;
      const { results } = await txn({ compare: [], success, failure: [] }, complete(options));
      const [result] = results;
      return result?.type === "delete" && result.deleted > 0;
    },
  };
}

function complete({ timeoutMs = TIMEOUT_MS, signal }: KeyCallOptions = {}) {
  if (!(timeoutMs > 0)) throw new TypeError(`expected timeoutMs to be more than 0, got ${timeoutMs}`);
  return { timeoutMs, signal };
}

function checked(key: string): string {
  if (typeof key === "string" && key !== "") return key;
  throw new TypeError(`expected a key that is not empty, got ${JSON.stringify(key)}`);
}
