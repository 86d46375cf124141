import type { Clock } from "@msdha/clock";
import type { EtcdApi, Operation, Transaction, TransactionResult } from "@msdha/etcd-client";

/** What all answers of etcd have shown of its revisions. */
export interface ObservedRevisions {
  /** The newest revision of any answer: what is written afterwards has a larger one, unless etcd is restored. */
  readonly newest: number;
  /**
   * An answer went back to this revision, so etcd was restored: writes of later revisions are undone. 0: no answer did.
   */
  readonly restoredTo: number;
  /** When that answer came, on the clock: what was seen before does not count any more. `-Infinity`: no answer did. */
  readonly restoredAt: number;
  /** Records a revision that a watch has shown, like that of an answer. */
  note(revision: number): void;
  /**
   * Calls `listener` at each restore from now on, with the revision that etcd was restored to, or an older one: later
   * writes are gone. It must not throw. Returns a function that ends that.
   */
  listen(listener: (restoredTo: number) => void): () => void;
}

/**
 * Wraps a client and detects that etcd was restored: the revision of an answer is smaller than one received before its
 * request, or the request wrote something and the revision is no larger. Answers that were under way during a restore
 * can make it report that restore twice.
 */
export function observeRevisions(
  etcd: EtcdApi,
  { clock }: { readonly clock: Clock },
): { readonly etcd: EtcdApi; readonly observed: ObservedRevisions } {
  const listeners = new Set<(restoredTo: number) => void>();
  let newest = 0;
  let restoredTo = 0;
  let restoredAt = Number.NEGATIVE_INFINITY;

  async function observe<T extends { readonly revision: number }>(
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
      for (const listener of listeners) listener(written ? revision - 1 : revision);
    } else newest = Math.max(newest, revision);
    return answer;
  }

  return {
    etcd: {
      ...etcd,
      range: (range, options) =>
        observe(
          () => etcd.range(range, options),
          () => false,
        ),
      txn: (transaction, options) =>
        observe(
          () => etcd.txn(transaction, options),
          (result) => hasWritten(transaction, result),
        ),
    },
    observed: {
      get newest() {
        return newest;
      },
      get restoredTo() {
        return restoredTo;
      },
      get restoredAt() {
        return restoredAt;
      },
      note(revision) {
        newest = Math.max(newest, revision);
      },
      listen(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
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
