import type { EtcdApi } from "@msdha/etcd-client";

/** What the answers of etcd say of its revisions, whatever was asked. */
export interface HeardRevisions {
  /** The newest revision of any answer: what is written afterwards has a larger one, unless etcd is restored. */
  readonly newest: number;
  /** An answer went back to this revision, so etcd was restored; what it holds of up to then may be undone. 0: none did. */
  readonly restoredTo: number;
}

/**
 * The same etcd, with an ear for restores: an answer at a smaller revision than that of an answer which had come before
 * it was asked for. Answers that were under way meanwhile can make it hear a restore where there is none any more.
 */
export function hearRevisions(etcd: EtcdApi): { readonly etcd: EtcdApi; readonly heard: HeardRevisions } {
  let newest = 0;
  let restoredTo = 0;

  async function hear<T extends { readonly revision: number }>(ask: () => Promise<T>): Promise<T> {
    const before = newest;
    const answer = await ask();
    if (answer.revision < before) {
      restoredTo = answer.revision;
      newest = answer.revision;
    } else newest = Math.max(newest, answer.revision);
    return answer;
  }

  return {
    etcd: {
      ...etcd,
      range: (range, options) => hear(() => etcd.range(range, options)),
      txn: (transaction, options) => hear(() => etcd.txn(transaction, options)),
    },
    heard: {
      get newest() {
        return newest;
      },
      get restoredTo() {
        return restoredTo;
      },
    },
  };
}
