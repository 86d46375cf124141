// Measures what a quiet frontend costs: idle-frontend.ts [--seconds N] [--runs N] [FOLDER…]. One etcd, one plain node, and a frontend
// of each folder, all at once: a folder is this repository (the default), or another copy of it that is built, not so old that it
// can't follow this one's nodes. Prints for each how much of a processor the frontend and its HAProxy used in each run, in ms, and the
// medians. Needs a build, and nothing else that runs.

import { readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { getFreePort, startChild, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { childrenOf } from "../src/support/children-of.ts";
import { startNode } from "../src/support/node.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    runs: { type: "string", default: "3" },
    ttl: { type: "string", default: "10" },
  },
});
const seconds = Number(values.seconds);
const folders = positionals.length > 0 ? positionals : [join(import.meta.dirname, "../..")];
/** What a start leaves to do is done by then, and what runs often is compiled. */
const SETTLE_MS = 90_000;

await using stack = new AsyncDisposableStack();
const { path: dir } = stack.use(tempDir());
const etcd = stack.use(await startEtcd());
const place = {
  dir,
  journal: join(dir, "journal"),
  endpoints: etcd.endpoint,
  group: "idle",
  ttlSeconds: Number(values.ttl),
};
const node = stack.use(startNode(place, "one", { env: { MSDHA_ADDRESS: "127.0.0.1" } }));
const frontends = await Promise.all(folders.map(startFrontend));
for (const { child } of frontends) {
  await waitFor(() => child.log().includes("connections go to the master"), {
    what: "a master",
    timeoutMs: 60_000,
  });
}
await sleep(SETTLE_MS);

const used = new Map<string, number[]>();
for (let run = 0; run < Number(values.runs); run += 1) {
  const before = measure();
  await sleep(seconds * 1_000);
  for (const [name, ms] of measure()) {
    used.set(name, [...(used.get(name) ?? []), Math.round(ms - (before.get(name) ?? 0))]);
  }
}
for (const [name, runs] of used) {
  const median = runs.toSorted((a, b) => a - b)[Math.floor(runs.length / 2)];
  process.stdout.write(`${name}: median ${median} ms (${runs.join(", ")})\n`);
}
process.stdout.write(`${seconds} s at a TTL of ${values.ttl} s; load ${loadavg()[0]?.toFixed(1)}\n`);

async function startFrontend(folder: string, index: number) {
  const child = stack.use(
    startChild(join(folder, "packages/frontend/bin/msdha-frontend"), [], {
      logFile: join(dir, `frontend-${index}.log`),
      env: {
        PATH: process.env["PATH"],
        ETCDCTL_ENDPOINTS: place.endpoints,
        MSDHA_GROUP: place.group,
        MSDHA_TTL: values.ttl,
        MSDHA_BIND: "127.0.0.1",
        MSDHA_PORT: String(await getFreePort()),
        // Nobody connects: the node has no such port.
        MSDHA_TARGET_PORT: "1",
        MSDHA_RUN_DIR: join(dir, `frontend-${index}`),
      },
    }),
  );
  return { name: folder, child };
}

/** Returns how much of a processor each has used so far, in ms. */
function measure(): Map<string, number> {
  const costs = new Map([["the node", costOf(node.child.pid)]]);
  for (const { name, child } of frontends) {
    costs.set(name, costOf(child.pid));
    costs.set(
      `${name}, HAProxy`,
      descendants(child.pid).reduce((sum, pid) => sum + costOf(pid), 0),
    );
  }
  return costs;
}

/** Of all its threads, to the nanosecond: ticks are too coarse. */
function costOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const times = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8"));
  return times.reduce((sum, text) => sum + Number(text.split(" ")[0]), 0) / 1e6;
}

function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}
