import { setTimeout as sleep } from "node:timers/promises";
import { startEtcd, startTcpProxy, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { connect, record } from "./harness.ts";

/** Small and repeatable; the seed is printed with a failure. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** At least. */
const WRITES = 600;
const CUTS = 10;

test.each([1, 2, 3])("what is told under random cuts is what was written (seed %i)", async (seed) => {
  const random = randomNumbers(seed);
  await using etcd = await startEtcd();
  await using proxy = await startTcpProxy(etcd.clientPort);
  await using watcher = connect([proxy.port]);
  await using writer = connect([etcd.clientPort]);
  await using watch = record(watcher, "/p/", { progressIntervalMs: 300 });
  await waitFor(() => watch.health.length > 0, { what: "the watch" });

  const written: string[] = [];
  const word = (key: string, value: string, revision: number): string => `${key}=${value} @${revision}`;
  let writing = true;
  const misbehave = async (): Promise<void> => {
    while (writing) {
      const fault = random(4);
      if (fault === 0) await proxy.setMode("silent");
      else if (fault === 1) await proxy.setMode("refuse");
      else proxy.cut();
      await sleep(random(150));
      await proxy.setMode("pass");
      await sleep(random(100));
    }
  };
  const misbehaving = misbehave();
  for (let n = 0; n < WRITES || proxy.counters.cuts < CUTS; n += 1) {
    const keys = [`/p/${random(5)}`, `/p/${5 + random(5)}`, `/other/${random(3)}`].slice(0, 1 + random(3));
    const value = `${n}`.padEnd(random(400), ".");
    const puts = keys.map((key) => ({ type: "put", key, value }) as const);
    const { revision } = await writer.txn({ compare: [], success: puts, failure: [] }, { timeoutMs: 5_000 });
    written.push(...keys.filter((key) => key.startsWith("/p/")).map((key) => word(key, value, revision)));
  }
  writing = false;
  await misbehaving;

  const told = (): string[] => watch.events.map(({ kv }) => word(kv.key, kv.value, kv.modRevision));
  await waitFor(() => told().at(-1) === written.at(-1), { what: "the last write" });
  expect(told()).toEqual(written);
  const ends = watch.batches.map(({ revision }) => revision);
  expect(new Set(ends).size).toBe(ends.length);
});
