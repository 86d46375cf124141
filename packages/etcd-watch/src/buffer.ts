import Queue from "yocto-queue";
import type { WatchBatch } from "./batch.ts";

/** Holds batches until they are consumed, in order. For one consumer. */
export interface BatchBuffer {
  put(batch: WatchBatch): void;
  /** Ends it: batches that wait are dropped, and every later `take` rejects with `reason`. Only the first call counts. */
  end(reason: unknown): void;
  /** Resolves with the next batch. Rejects with the reason of `end`. */
  take(): Promise<WatchBatch>;
}

/** What waits in a buffer. */
export interface Waiting {
  add(batch: WatchBatch): void;
  next(): WatchBatch | undefined;
}

/** Returns a buffer over `waiting`; default: everything waits, without a limit. */
export function createBuffer(waiting: Waiting = createUnlimited()): BatchBuffer {
  let ended: { readonly reason: unknown } | undefined;
  let wake = (): void => {};

  return {
    put(batch) {
      if (ended) return;
      waiting.add(batch);
      wake();
    },
    end(reason) {
      ended ??= { reason };
      wake();
    },
    async take() {
      for (;;) {
        if (ended) throw ended.reason;
        const batch = waiting.next();
        if (batch) return batch;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

function createUnlimited(): Waiting {
  const batches = new Queue<WatchBatch>();
  return { add: (batch) => batches.enqueue(batch), next: () => batches.dequeue() };
}
