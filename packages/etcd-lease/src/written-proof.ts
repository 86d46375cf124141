import type { Clock } from "@msdha/clock";
import {
  type EtcdApi,
  isEtcdError,
  type KeyValue,
  type LeaseId,
  type Transaction,
  type TransactionResult,
  type TxnOptions,
} from "@msdha/etcd-client";
import type { Nonce } from "./nonce.ts";
import { type LeaseProof, type OwnLock, proves } from "./proof.ts";

export type WrittenProof = LeaseProof & {
  readonly createRevision: number;
  readonly written: string;
  readonly also?: readonly OwnLock[] | undefined;
};

/** Proves by writing. One for each lease. */
export interface ProofWriter {
  /**
   * From now on something else is proved. What was written before may be gone, where etcd was restored from a snapshot
   * meanwhile; the first write then begins anew.
   */
  begin(): void;
  /**
   * Resolves with whether a majority has written that the lease still holds what is to be proved. "copied": it does, but
   * someone else writes in its name. Undefined: etcd takes no writes at the moment, as it is out of space. Rejects with
   * etcd's errors.
   */
  write(proof: WrittenProof, options: TxnOptions): Promise<boolean | "copied" | undefined>;
}

export interface ProofWriterOptions {
  readonly clock: Clock;
  readonly nonce: Nonce;
}

/** How many of our own values are remembered: a request can be carried out long after its call has failed. */
const MOST_VALUES = 32;

export function isWritten(proof: LeaseProof | undefined): proof is WrittenProof {
  return proof?.createRevision !== undefined && proof.written !== undefined;
}

export function createProofWriter(
  etcd: EtcdApi,
  lease: LeaseId,
  { clock, nonce }: ProofWriterOptions,
): ProofWriter {
  const values: string[] = [];
  /** The value that is there by all that is known; undefined: none. A wrong guess costs nothing: what is there is read then. */
  let last: string | undefined;
  /** Whether nothing was written since `begin`. */
  let fresh = true;

  /** Never the same twice, nor on a copy of this machine. */
  function nextValue(): string {
    const value = `${clock.now()} ${nonce()}`;
    values.push(value);
    if (values.length > MOST_VALUES) values.shift();
    return value;
  }

  function isOurs(mark: KeyValue | undefined): boolean {
    if (!mark || !values.includes(mark.value)) return false;
    last = mark.value;
    return true;
  }

  async function write(proof: WrittenProof, options: TxnOptions): Promise<boolean | "copied" | undefined> {
    const value = nextValue();
    const attempt = proofTransaction(proof, { lease, last, value });
    const result = await etcd.txn(attempt, { ...options, hedge: true }).catch((error: unknown) => {
      if (isEtcdError(error, "ERR_ETCD_NO_SPACE")) return undefined;
      throw error;
    });
    if (!result) return undefined;
    if (result.succeeded) {
      last = value;
      fresh = false;
      return true;
    }
    const locks = locksOf(proof);
    if (!locks.every((lock, index) => proves(found(result, index), lock, lease))) return false;
    const [mark] = found(result, locks.length);
    if (fresh && !mark && last !== undefined) {
      last = undefined;
      return await write(proof, options);
    }
    // An earlier try of ours went through: this answer is a majority's word, too.
    if (isOurs(mark)) return true;
    return mark ? "copied" : false;
  }

  return {
    begin() {
      fresh = true;
    },
    write,
  };
}

/**
 * Writes `value` where `last` is. Not by revision: those of a restored etcd begin anew, and the one that we wrote last may be
 * that of a copy's write.
 */
function proofTransaction(
  proof: WrittenProof,
  {
    lease,
    last,
    value,
  }: { readonly lease: LeaseId; readonly last: string | undefined; readonly value: string },
): Transaction {
  const { written } = proof;
  const locks = locksOf(proof);
  return {
    compare: [
      ...locks.flatMap(({ key, createRevision }) => [
        { key, target: "create", is: "=", value: createRevision } as const,
        { key, target: "lease", is: "=", value: lease } as const,
      ]),
      last === undefined
        ? { key: written, target: "create", is: "=", value: 0 }
        : { key: written, target: "value", is: "=", value: last },
    ],
    success: [{ type: "put", key: written, value, lease }],
    failure: [...locks.map(({ key }) => key), written].map((key) => ({ type: "range", key })),
  };
}

function locksOf({ key, createRevision, also = [] }: WrittenProof): readonly OwnLock[] {
  return [{ key, createRevision }, ...also];
}

function found({ results }: TransactionResult, index: number): readonly KeyValue[] {
  const result = results[index];
  return result?.type === "range" ? result.kvs : [];
}
