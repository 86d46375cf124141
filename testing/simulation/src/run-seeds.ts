import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Result } from "./simulate.ts";
import type { Order } from "./worker.ts";

/** Seeds to be run. */
export interface Batch extends Omit<Order, "seed"> {
  readonly from: number;
  readonly count: number;
  /** How many worker threads share them, at most. */
  readonly workers: number;
}

/** A whole thread ended, for want of memory for example. */
export class ThreadEndedError extends Error {
  readonly code = "ERR_THREAD_ENDED";
  readonly seed: number;

  constructor(seed: number, cause: unknown) {
    super(`the thread of seed ${seed} ended: ${String(cause)}`, { cause });
    this.seed = seed;
  }
}

/**
 * Runs seeds on several threads. `onResults` is told of the results as they come, not in the order of the seeds, and
 * says whether that is enough; those that have begun by then are still told. A crash is a result. Rejects with a
 * `ThreadEndedError` when that was not all that ended.
 */
export async function runSeeds(
  { from, count, workers, mutation, only, faults }: Batch,
  onResults: (results: readonly Result[]) => boolean,
): Promise<void> {
  let next = from;
  let enough = false;

  function take(): Order | undefined {
    if (enough || next >= from + count) return undefined;
    const order = { seed: next, mutation, only, faults };
    next += 1;
    return order;
  }

  async function work(): Promise<void> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { execArgv: process.execArgv });
    try {
      for (let order = take(); order; order = take()) {
        const result = await ask(worker, order);
        if (onResults([result])) enough = true;
      }
    } finally {
      await worker.terminate();
    }
  }

  await Promise.all(Array.from({ length: Math.min(workers, count) }, work));
}

async function ask(worker: Worker, order: Order): Promise<Result> {
  const ended = new AbortController();
  const onExit = (code: number): void => ended.abort(new Error(`it exited with code ${code}`));
  worker.once("exit", onExit);
  worker.postMessage(order);
  try {
    const [result] = (await once(worker, "message", { signal: ended.signal })) as [Result];
    return result;
  } catch (error) {
    throw new ThreadEndedError(order.seed, ended.signal.aborted ? ended.signal.reason : error);
  } finally {
    worker.off("exit", onExit);
  }
}
