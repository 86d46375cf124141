/** An etcd lease id: a decimal int64, kept as text because it does not fit a JavaScript number. */
export type LeaseId = string;

/**
 * A key as etcd has it. Revisions are numbers: they stay far below 2^53. In keys and values a byte that is not part of
 * UTF-8 is a lone surrogate (0xff is U+DCFF): different keys are different texts, and a text that was read can be
 * written again.
 */
export interface KeyValue<Content = string> {
  readonly key: Content;
  readonly value: Content;
  readonly createRevision: number;
  readonly modRevision: number;
  /** `"0"` when the key is on no lease. */
  readonly lease: LeaseId;
}

export interface CallOptions {
  /** How long the call may take in all, over every member that is tried. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface TxnOptions extends CallOptions {
  /**
   * After a while without an answer the transaction is sent to the next member, too, and the first answer counts. For what
   * can be carried out several times at once. Default: false, so that the next member is only asked instead.
   */
  readonly hedge?: boolean;
}

/** One key, or with `prefix` every key that begins with it. */
export interface KeyRange {
  readonly key: string;
  readonly prefix?: boolean;
}

/** What a read asks for. The `next` of one answer makes the request after it: `{ ...request, ...next }`. */
export interface RangeRequest extends KeyRange {
  /** Leaves the values out: they read as empty texts. Default: false. */
  readonly keysOnly?: boolean;
  /** Reads this many keys at most, in the order of their bytes. Default: all of them. */
  readonly limit?: number | undefined;
  /** Reads the keys as they were at this revision. Default: as they are now. */
  readonly revision?: number | undefined;
  /** Reads the keys of the prefix from this one on, which need not exist. Default: from the first. */
  readonly start?: string | undefined;
}

/** Where the rest of a range begins, and the revision to read it at. */
export interface RangeStart {
  readonly start: string;
  readonly revision: number;
}

export type Compare =
  | {
      readonly key: string;
      readonly target: "create" | "mod";
      readonly is: "=" | ">" | "<";
      readonly value: number;
    }
  | { readonly key: string; readonly target: "lease"; readonly is: "="; readonly value: LeaseId }
  | { readonly key: string; readonly target: "value"; readonly is: "="; readonly value: string };

export type Operation =
  | ({ readonly type: "range" } & KeyRange)
  | { readonly type: "put"; readonly key: string; readonly value: string; readonly lease?: LeaseId }
  | { readonly type: "delete"; readonly key: string }
  | ({ readonly type: "txn" } & Transaction);

/** `compare` all true: `success` is carried out, else `failure`. A missing key has create and mod revision 0. */
export interface Transaction {
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

/** One answer per operation, in order: a range's keys, a nested transaction's result, nothing for put and delete. */
export type OperationResult =
  | { readonly type: "range"; readonly kvs: readonly KeyValue[] }
  | { readonly type: "put" }
  | { readonly type: "delete"; readonly deleted: number }
  | ({ readonly type: "txn" } & TransactionResult);

export interface TransactionResult {
  readonly succeeded: boolean;
  readonly results: readonly OperationResult[];
  /** The store's revision when the transaction was carried out. */
  readonly revision: number;
}

export interface RangeResult<Content = string> {
  readonly kvs: readonly KeyValue<Content>[];
  /** The revision whose keys these are: the one that was asked for, or the newest. */
  readonly revision: number;
  /** What reads the keys after these, at the same revision: `{ ...request, ...next }`. Undefined if there are none. */
  readonly next?: RangeStart | undefined;
}

export interface LeaseGrant {
  readonly id: LeaseId;
  /** What etcd granted, which can be more than was asked for (it raises small ones). */
  readonly ttlSeconds: number;
}

export interface WatchRequest extends KeyRange {
  /** The first revision to watch. Default: the next one. */
  readonly startRevision?: number;
}

export interface WatchEvent {
  readonly type: "PUT" | "DELETE";
  /** For a DELETE only `key` and `modRevision` (the revision of the deletion) mean anything. */
  readonly kv: KeyValue;
}

/** One message of a watch stream. All events of a revision are in one message. */
export interface WatchMessage {
  /** The header's revision. It does not mean that every event up to it was sent (etcd issue 15220). */
  readonly revision: number;
  readonly created: boolean;
  readonly events: readonly WatchEvent[];
}

/**
 * The messages of one watcher on one stream to one member. Iterating ends only by an error:
 * `EtcdCompactedError` when `startRevision` is compacted, `EtcdUnavailableError` (or an auth error) when the
 * stream broke or the member lost its leader, or the reason of `signal`. Never resumes by itself.
 * Nothing is promised about silence: ask for progress, and give the stream up when no message comes.
 */
export interface WatchStream extends AsyncIterable<WatchMessage> {
  /** Asks the member for a message, even when there are no events. Does nothing on a stream that has ended. */
  requestProgress(): void;
}

/**
 * What MSDHA needs of etcd; one member's or a whole cluster's. Every method rejects with one of this package's
 * errors, or with the reason of its signal.
 *
 * Writes can be carried out more than once, and even after their call has failed (a request that waited in a frozen
 * member): guard them with compares, attach what they put to a lease of your own, and have the `failure` branch read
 * what tells you that an earlier try went through.
 */
export interface EtcdApi {
  /**
   * A linearizable read: its answer proves that a quorum stood behind it after it was asked. With `revision` it rejects
   * with an `EtcdCompactedError` if that is compacted, and with an `EtcdRequestError` if it is not there yet.
   */
  range(range: RangeRequest, options: CallOptions): Promise<RangeResult>;
  txn(transaction: Transaction, options: TxnOptions): Promise<TransactionResult>;
  /** Grants a lease. A try whose answer was lost can leave a second lease behind, with nothing on it. */
  leaseGrant(ttlSeconds: number, options: CallOptions): Promise<LeaseGrant>;
  /** Renews a lease once; resolves with its TTL in seconds, 0 when the lease is gone. Proves nothing about a quorum. */
  leaseKeepAlive(id: LeaseId, options: CallOptions): Promise<number>;
  /** Revokes a lease and deletes its keys; resolves too when it was gone already. */
  leaseRevoke(id: LeaseId, options: CallOptions): Promise<void>;
  /** The seconds that a lease has left, -1 when it is gone. */
  leaseTimeToLive(id: LeaseId, options: CallOptions): Promise<number>;
  /**
   * Opens a watch; the stream breaks when `signal` aborts. Requires the member to have a leader. To give up a
   * stream because its member is silent, abort with an `EtcdUnavailableError`: a cluster's client then opens the next
   * watch on another member.
   */
  watch(request: WatchRequest, options: { readonly signal: AbortSignal }): WatchStream;
}
