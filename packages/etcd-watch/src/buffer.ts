/** Holds what was produced until it is consumed, in order and without a limit. For one consumer. */
export interface Buffer<T> {
  put(item: T): void;
  /** Ends it: what is still held is dropped, and every `take` from now on rejects with `reason`. The first call counts. */
  end(reason: unknown): void;
  take(): Promise<T>;
}

export function createBuffer<T>(): Buffer<T> {
  const items: T[] = [];
  let ended: { readonly reason: unknown } | undefined;
  let wake = (): void => {};

  return {
    put(item) {
      if (ended) return;
      items.push(item);
      wake();
    },
    end(reason) {
      ended ??= { reason };
      wake();
    },
    async take() {
      for (;;) {
        if (ended) throw ended.reason;
        const item = items.shift();
        if (item !== undefined) return item;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
