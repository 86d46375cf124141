import { setImmediate as nextTurn } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import { toResult, watchForCrashes } from "./crashes.ts";
import { mutations } from "./mutations/all-mutations.ts";
import { type Result, simulate } from "./simulate.ts";

/** A seed to run. Answered with its result. */
export interface Order {
  readonly seed: number;
  readonly mutation?: string | undefined;
  readonly only?: string | undefined;
  readonly faults?: number | undefined;
}

const port = parentPort;
if (!port) throw new Error("expected to be a worker thread");
port.on("message", (order: Order) => {
  void (async () => port.postMessage(await runSeed(order)))();
});

/** A crash is the seed's result. What is left of its simulation runs to its end before the next one begins. */
async function runSeed({ seed, mutation, only, faults }: Order): Promise<Result> {
  using crashes = watchForCrashes();
  const off = mutation === undefined ? undefined : mutations[mutation];
  const [outcome] = await Promise.allSettled([simulate(seed, { mutation: off, only, faults })]);
  // Node tells of a rejection only when the callbacks that might handle it have run.
  await nextTurn();
  if (outcome.status === "rejected") return toResult(seed, crashes.first ?? outcome);
  return crashes.first ? toResult(seed, crashes.first) : outcome.value;
}
