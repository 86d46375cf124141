import { parentPort } from "node:worker_threads";
import { mutations } from "./mutations/all.ts";
import { type Result, simulate } from "./simulate.ts";

/** Seeds to run, one after the other. */
export interface Order {
  readonly from: number;
  readonly count: number;
  readonly mutation?: string | undefined;
  readonly only?: string | undefined;
}

const port = parentPort;
if (!port) throw new Error("expected to be a worker thread");
port.on("message", ({ from, count, mutation, only }: Order) => {
  const off = mutation === undefined ? undefined : mutations[mutation];
  void (async () => {
    const results: Result[] = [];
    for (let seed = from; seed < from + count; seed += 1) {
      results.push(await simulate(seed, { mutation: off, only }));
    }
    port.postMessage(results);
  })();
});
