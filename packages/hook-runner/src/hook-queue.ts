import Queue from "yocto-queue";

export interface HookQueueOptions<Call> {
  /** Runs the hook for one call. An error goes to `onError`, and the queue continues. */
  readonly run: (call: Call, signal: AbortSignal) => Promise<void>;
  readonly onError: (error: unknown, call: Call) => void;
}

/** Calls of one hook, run one at a time in the order in which they were put in. */
export interface HookQueue<Call> {
  push(call: Call): void;
  /** Drops the calls that wait and returns their number; the running call continues. Later calls are dropped too. */
  close(): number;
  /** Aborts the signal of the running call with `reason`; for use after `close`. */
  interrupt(reason: unknown): void;
  /** Resolves when no call is running and none is waiting. */
  idle(): Promise<void>;
  readonly waiting: number;
}

/** Returns a queue without a limit: no call is skipped or merged with another. */
export function createHookQueue<Call>({ run, onError }: HookQueueOptions<Call>): HookQueue<Call> {
  const calls = new Queue<Call>();
  const interruption = new AbortController();
  let closed = false;
  let working: Promise<void> | undefined;

  async function work(): Promise<void> {
    for (let call = calls.dequeue(); call !== undefined; call = calls.dequeue()) {
      try {
        await run(call, interruption.signal);
      } catch (error) {
        onError(error, call);
      }
    }
    working = undefined;
  }

  return {
    push(call) {
      if (closed) return;
      calls.enqueue(call);
      working ??= work();
    },
    close() {
      closed = true;
      const dropped = calls.size;
      calls.clear();
      return dropped;
    },
    interrupt: (reason) => interruption.abort(reason),
    idle: async () => {
      await working;
    },
    get waiting() {
      return calls.size;
    },
  };
}
