import type { Clock } from "@msdha/clock";
import type { EtcdApi, Operation, Transaction, TransactionResult } from "@msdha/etcd-client";

/** What the answers of etcd say of its revisions, whatever was asked. */
export interface HeardRevisions {
  /** The newest revision of any answer: what is written afterwards has a larger one, unless etcd is restored. */
  readonly newest: number;
  /** An answer went back to this revision, so etcd was restored; what it holds of up to then may be undone. 0: none did. */
  readonly restoredTo: number;
  /** When that answer came, on the clock: what was seen before says nothing of what is. `-Infinity`: none did. */
  readonly restoredAt: number;
  /** A watch has told of this revision: it counts as an answer that was not asked for. */
  told(revision: number): void;
}

export interface HearOptions {
  readonly clock: Clock;
  /** Told of the revision that etcd was restored to, or to an older one: what was written after it is gone. Must not throw. */
  readonly onRestored?: (revision: number) => void;
}

/**
 * The same etcd, with an ear for restores: an answer at a smaller revision than that of an answer which had come before
 * it was asked for, or one that wrote something and is at no larger revision. Answers that were under way meanwhile can
 * make it hear a restore where there is none any more.
 */
export function hearRevisions(
  etcd: EtcdApi,
  { clock, onRestored = () => {} }: HearOptions,
): { readonly etcd: EtcdApi; readonly heard: HeardRevisions } {
  let newest = 0;
  let restoredTo = 0;
  let restoredAt = Number.NEGATIVE_INFINITY;

  async function hear<T extends { readonly revision: number }>(
    ask: () => Promise<T>,
    wrote: (answer: T) => boolean,
  ): Promise<T> {
    const before = newest;
    const answer = await ask();
    const { revision } = answer;
    const written = wrote(answer);
    if (revision < before || (revision === before && written)) {
      restoredTo = revision;
      newest = revision;
      restoredAt = clock.now();
      onRestored(written ? revision - 1 : revision);
    } else newest = Math.max(newest, revision);
    return answer;
  }

  return {
    etcd: {
      ...etcd,
      range: (range, options) =>
        hear(
          () => etcd.range(range, options),
          () => false,
        ),
      txn: (transaction, options) =>
        hear(
          () => etcd.txn(transaction, options),
          (result) => hasWritten(transaction, result),
        ),
    },
    heard: {
      get newest() {
        return newest;
      },
      get restoredTo() {
        return restoredTo;
      },
      get restoredAt() {
        return restoredAt;
      },
      told(revision) {
        newest = Math.max(newest, revision);
      },
    },
  };
}

/** Whether a transaction has surely written something, and so made a revision of its own. */
function hasWritten({ success, failure }: Transaction, { succeeded }: TransactionResult): boolean {
  return writes(succeeded ? success : failure);
}

function writes(operations: readonly Operation[]): boolean {
  return operations.some(
    (operation) =>
      operation.type === "put" ||
      (operation.type === "txn" && writes(operation.success) && writes(operation.failure)),
  );
}
