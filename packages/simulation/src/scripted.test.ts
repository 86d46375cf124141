import { expect, test } from "vitest";
import type { Group } from "./faults/fault.ts";
import type { Scenario } from "./scenario.ts";
import { createGroup, hasRecovered, run } from "./simulate.ts";

const quiet: Scenario = {
  seed: 1,
  group: "g",
  backends: ["n0", "n1"].map((name) => ({
    machine: name,
    name,
    ttlSeconds: 3,
    masterTtlMs: 86_400_000,
    stopTimeoutMs: 8_000,
    drainMs: 100,
    rate: 1,
    filesPersist: true,
    restartMs: 1_000,
    ranks: false,
    traffic: "at_once",
  })),
  frontends: 1,
  etcd: { members: 3, electionMs: 1_000, rate: 1 },
  longestTtlMs: 3_000,
  network: { fastestMs: 1, slowestMs: 3 },
  trouble: 0,
  faultsMs: 0,
  faults: 0,
  favoured: [],
  moments: { freeze: 0, snapshot: 0 },
};

async function goOn({ world }: Group, ms: number): Promise<void> {
  await run(world, world.scheduler.now + ms);
  expect(world.violation).toBeUndefined();
}

test("a group without faults has a master after twice its TTL", async () => {
  const group = createGroup(quiet, {});
  await goOn(group, 2_500 + 6_000);
  expect(hasRecovered(group)).toBe(true);
});

test("a master whose state was undone by a restored snapshot makes place for one that is published", async () => {
  const group = createGroup(quiet, {});
  await goOn(group, 4_000);
  const { store } = group.world.etcd;
  const takenButNotPublished = store.save();
  await goOn(group, 6_000);
  expect(hasRecovered(group)).toBe(true);
  store.restore(takenButNotPublished);
  group.world.restored();
  expect(hasRecovered(group)).toBe(false);
  await goOn(group, 30_000);
  expect(hasRecovered(group)).toBe(true);
});
