import { Worker } from "node:worker_threads";
import type { Result } from "./simulate.ts";
import type { Order } from "./worker.ts";

export interface RunSeedsOptions {
  readonly from: number;
  readonly count: number;
  /** How many worker threads share them. */
  readonly workers: number;
  readonly mutation?: string | undefined;
  /** Told of the results as they come, not in the order of the seeds; returns whether that is enough. */
  readonly onResults: (results: readonly Result[]) => boolean;
}

/** How many seeds a worker gets at a time. */
const PORTION = 20;

/** Runs seeds on several threads. Rejects when one of them fails, which no seed should make it do. */
export async function runSeeds({
  from,
  count,
  workers,
  mutation,
  onResults,
}: RunSeedsOptions): Promise<void> {
  let next = from;
  let enough = false;

  function take(): Order | undefined {
    if (enough || next >= from + count) return undefined;
    const order = { from: next, count: Math.min(PORTION, from + count - next), mutation };
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
