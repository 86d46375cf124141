import Queue from "yocto-queue";

export interface HookQueueOptions<Call> {
  /** Runs the hook for one call. An error goes to `onError`, and the queue continues. */
  readonly run: (call: Call, signal: AbortSignal) => Promise<void>;
  /** What it throws itself is an uncaught exception; the queue continues then too. */
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
  let busy = false;
  let working: Promise<void> | undefined;

  async function work(): Promise<void> {
    // By the number of calls, as a call may be undefined.
    while (calls.size > 0) {
      const call = calls.dequeue() as Call;
      try {
        await run(call, interruption.signal);
      } catch (error) {
        report(error, call);
      }
    }
    busy = false;
  }

  function report(error: unknown, call: Call): void {
    try {
      onError(error, call);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }

  return {
    push(call) {
      if (closed) return;
      calls.enqueue(call);
      // `run` may put in a call before `work` returns.
      if (busy) return;
      busy = true;
      working = work();
    },
    close() {
      closed = true;
      const dropped = calls.size;
      calls.clear();
      return dropped;
    },
    interrupt: (reason) => interruption.abort(reason),
    idle: async () => {
      do await working;
      while (busy);
    },
    get waiting() {
      return calls.size;
    },
  };
}
