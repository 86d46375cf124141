import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTeller, TELLER } from "../support/examples.ts";
import { type ContainerGroup, startGroup } from "../support/group.ts";

/** What it takes, and what not even a slow machine takes: most of it is Node that reads the program. */
const GOOD_MS = 500;
const LIMIT_MS = 1_000;

let shared: ContainerGroup;
beforeAll(async () => {
  await buildTeller();
  shared = await startGroup({ ttlSeconds: 1 });
});
afterAll(async () => {
  await shared?.[Symbol.asyncDispose]();
});

test("has its node key in etcd soon after its start", async () => {
  const elapsed: number[] = [];
  // The machine may be busy with something else at one of these moments.
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    await using group = await startGroup({ ttlSeconds: 1, group: `quick${attempt}`, beside: shared });
    const backend = await group.backend("db", { image: TELLER, env: { MSDHA_LOG_FORMAT: "json" } });
    const line = JSON.parse(await backend.logged(/joined the group/)) as { time: number | string };
    elapsed.push(new Date(line.time).getTime() - (await backend.startedAt()));
    if (Math.min(...elapsed) < GOOD_MS) break;
  }
  process.stdout.write(
    `from the start of the container's process to the node key: ${elapsed.join(", ")} ms\n`,
  );
  expect(Math.min(...elapsed)).toBeLessThan(LIMIT_MS);
});
