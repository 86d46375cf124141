/** Which keys of a followed prefix have changed. */
export interface StateChange {
  /** The revision that the state shows now. */
  readonly revision: number;
  readonly keys: ReadonlySet<string>;
  /** etcd was restored to an older state meanwhile. */
  readonly restored: boolean;
}

/** Collects changes for one consumer: what it has not taken yet becomes one change, at most as large as the prefix. */
export interface ChangeFeed {
  add(change: {
    readonly revision: number;
    readonly keys: readonly string[];
    readonly restored: boolean;
  }): void;
  /** Every `take` from now on rejects with `reason`. */
  end(reason: unknown): void;
  take(): Promise<StateChange>;
}

export function createChangeFeed(): ChangeFeed {
  let waiting: { revision: number; keys: Set<string>; restored: boolean } | undefined;
  let ended: { readonly reason: unknown } | undefined;
  let wake = (): void => {};

  return {
    add({ revision, keys, restored }) {
      waiting ??= { revision, keys: new Set(), restored: false };
      waiting.revision = revision;
      waiting.restored ||= restored;
      for (const key of keys) waiting.keys.add(key);
      wake();
    },
    end(reason) {
      ended ??= { reason };
      wake();
    },
    async take() {
      for (;;) {
        if (ended) throw ended.reason;
        const change = waiting;
        waiting = undefined;
        if (change) return change;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
