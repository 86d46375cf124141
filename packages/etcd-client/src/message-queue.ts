/** A queue between one writer that can't be slowed down and one reader. Nothing is dropped. */
export interface MessageQueue<T> {
  push(message: T): void;
  /** Ends the queue: the reader gets what is queued, then the error, on every further read too. Only the first counts. */
  fail(error: unknown): void;
  /** Rejects only while it is awaited, so a failure nobody reads is no unhandled rejection. */
  read(): Promise<T>;
}

export function createMessageQueue<T>(): MessageQueue<T> {
  let messages: T[] = [];
  /** Read so far of `messages`; shifting a long array is slow. */
  let position = 0;
  let failure: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;

  function changed(): void {
    wake?.();
    wake = undefined;
  }

  return {
    push(message) {
      if (failure) return;
      messages.push(message);
      changed();
    },
    fail(error) {
      failure ??= { error };
      changed();
    },
    async read() {
      while (position === messages.length) {
        messages = [];
        position = 0;
        if (failure) throw failure.error;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const message = messages[position] as T;
      position += 1;
      return message;
    },
  };
}
