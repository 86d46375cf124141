import { Worker } from "node:worker_threads";
import type { Result } from "./simulate.ts";
import type { Order } from "./worker.ts";

/** Seeds to be run. */
export interface Batch extends Order {
  /** How many worker threads share them. */
  readonly workers: number;
}

/** How many seeds a worker gets at a time. */
const PORTION = 20;

/**
 * Runs seeds on several threads. `onResults` is told of the results as they come, not in the order of the seeds, and
 * says whether that is enough. Rejects when a thread fails, which no seed should make it do.
 */
export async function runSeeds(
  { from, count, workers, mutation, only }: Batch,
  onResults: (results: readonly Result[]) => boolean,
): Promise<void> {
  let next = from;
  let enough = false;

  function take(): Order | undefined {
    if (enough || next >= from + count) return undefined;
    const order = { from: next, count: Math.min(PORTION, from + count - next), mutation, only };
    next += order.count;
    return order;
  }

  async function work(): Promise<void> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { execArgv: process.execArgv });
    try {
      for (let order = take(); order; order = take()) {
        const results = await ask(worker, order);
        enough ||= onResults(results);
      }
    } finally {
      await worker.terminate();
    }
  }

  await Promise.all(Array.from({ length: workers }, work));
}

function ask(worker: Worker, order: Order): Promise<readonly Result[]> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void =>
      reject(new Error(`a thread failed within the seeds from ${order.from} on`, { cause: error }));
    worker.once("error", failed);
    worker.once("message", (results: readonly Result[]) => {
      worker.off("error", failed);
      resolve(results);
    });
    worker.postMessage(order);
  });
}
