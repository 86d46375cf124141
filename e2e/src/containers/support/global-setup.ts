import type { TestProject } from "vitest/node";
import { buildImage } from "./images.ts";
import { nameRun, removeAfter, removeDeadRuns, removeLeftovers } from "./leftovers.ts";

/** Before all container tests: the etcd that they use. After them, also when they are interrupted: nothing of them is left. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  // Its image can't be had everywhere; these tests clean up by label.
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
  await removeDeadRuns();
  const run = nameRun();
  provide("testRun", run);
  const watcher = removeAfter(process.pid);
  await buildImage("msdha-example-etcd", "images/examples/etcd");
  return async () => {
    await removeLeftovers(run);
    watcher[Symbol.dispose]();
  };
}
