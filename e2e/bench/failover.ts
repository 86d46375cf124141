// Measures how long clients of a frontend are not served, at each kind of failover: failover.ts [--runs N] [--ttl S] [--only NAME]
// The main process stops at once and the hooks do nothing, so that what is measured is MSDHA's own. Needs a build.

import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { getFreePort, waitFor } from "@msdha/testkit";
import { startClient } from "../src/support/client.ts";
import { startFrontend } from "../src/support/frontend.ts";
import { startGroup, type TestGroup } from "../src/support/group.ts";
import type { TestNode } from "../src/support/node.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    ttl: { type: "string", default: "3" },
    only: { type: "string", default: "" },
  },
});
const runs = Number(values.runs);
const ttlSeconds = Number(values.ttl);

type Fault = (group: TestGroup, master: TestNode) => void | Promise<void>;

const faults: Readonly<Record<string, Fault>> = {
  "planned stop": (_group, master) => master.stop(),
  "crash of the main process": (group, { name }) => {
    const pid = group.journal.of(name, "begin").at(-1)?.pid;
    process.kill(pid ?? Number.NaN, "SIGKILL");
  },
  "SIGKILL of the node": (_group, master) => master.child.kill(),
};

const figures = new Map<string, number[]>(["cold start", ...Object.keys(faults)].map((what) => [what, []]));
for (let run = 0; run < runs; run++) {
  for (const [what, fault] of Object.entries(faults).filter(([name]) => name.startsWith(values.only))) {
    const { coldStartMs, gapMs, refused } = await measure(fault);
    figures.get("cold start")?.push(coldStartMs);
    figures.get(what)?.push(gapMs);
    process.stderr.write(`${what}: gap ${gapMs} ms, refused ${refused}; cold start ${coldStartMs} ms\n`);
  }
}
for (const [what, times] of figures) {
  if (times.length === 0) continue;
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  process.stdout.write(
    `${what}: median ${median} ms (${sorted[0]} to ${sorted.at(-1)}, ${sorted.length} runs, TTL ${ttlSeconds} s)\n`,
  );
}
process.exit();

async function measure(fault: Fault): Promise<{ coldStartMs: number; gapMs: number; refused: number }> {
  await using group = await startGroup({ ttlSeconds });
  const port = await getFreePort();
  const began = performance.now();
  const nodes = [1, 2, 3].map((host) =>
    group.start(`n${host}`, { listen: { address: `127.0.57.${host}`, port } }),
  );
  await using frontend = await startFrontend(
    { dir: group.dir, endpoints: group.etcd.endpoint, group: group.name, ttlSeconds },
    { port },
  );
  await using client = startClient(frontend.port);
  await waitFor(() => client.visits.some(({ by }) => by !== undefined), {
    what: "a visit",
    timeoutMs: 60_000,
  });
  const coldStartMs = Math.round(Math.min(...client.visits.flatMap(({ served }) => served ?? [])) - began);
  const master = await group.masterAmong(nodes);
  await waitFor(
    async () => Object.values(await group.keys()).filter((state) => state === "ready").length === 2,
    {
      what: "two slaves",
    },
  );
  await sleep(2_000);
  const at = performance.now();
  await fault(group, master);
  await waitFor(
    () => client.visits.some(({ by, begun }) => begun > at && by !== undefined && by !== master.name),
    {
      what: "a visit to the next master",
      timeoutMs: 60_000,
    },
  );
  await sleep(500);
  return { coldStartMs, gapMs: Math.round(client.longestGap(at)), refused: client.failures(at).length };
}
