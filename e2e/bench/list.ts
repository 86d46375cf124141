// Measures how long `msdha list` of a large group takes as a whole process, and how much of a processor: list.ts [--nodes N] [--runs N]. Needs a build.

import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { startEtcd } from "@msdha/testkit";
import { runMsdha } from "../src/support/msdha.ts";

const { values } = parseArgs({
  options: { nodes: { type: "string", default: "50" }, runs: { type: "string", default: "20" } },
});
const nodes = Number(values.nodes);
const runs = Number(values.runs);
/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;

await using etcd = await startEtcd();
const put = (key: string, value: string) => etcd.etcdctl("put", `/msdha/db/${key}`, value);
for (let index = 0; index < nodes; index += 1) {
  const name = `node-${String(index).padStart(3, "0")}`;
  const details = { runId: `r${index}`, address: `10.0.0.${index}`, ttlSeconds: 10, asks: 2 };
  await put(`_node/${name}`, JSON.stringify(details));
  await put(name, "ready");
  await put(`_since/${name}`, String(Date.now() - index * 1_000));
  await put(`_report/${name}`, JSON.stringify({ behind: index * 1_000, note: `replays segment ${index}` }));
}
for (let token = 1; token <= 200; token += 1) {
  const end = { why: "asked to stop: switchover: kernel update", at: Date.now(), by: "itself" };
  const term = { node: "node-001", run: "r1", beganAt: Date.now(), via: "handover", gapMs: 900, end };
  await put(`_history/${String(token).padStart(16, "0")}`, JSON.stringify(term));
}

const times: number[] = [];
let usedMs = 0;
for (let run = 0; run <= runs; run += 1) {
  const begun = performance.now();
  const usedBefore = childrenMs();
  const { code, out } = await runMsdha({ endpoint: etcd.endpoint, group: "db" });
  const tookMs = Math.round(performance.now() - begun);
  if (code !== 0 || out.split("\n").length < nodes)
    throw new Error(`expected a list of ${nodes} nodes, got ${out}`);
  // The first one reads the program from the disk.
  if (run === 0) continue;
  times.push(tookMs);
  usedMs += childrenMs() - usedBefore;
}
const sorted = times.toSorted((a, b) => a - b);
process.stdout.write(
  `msdha list of ${nodes} nodes: median ${sorted[Math.floor(sorted.length / 2)]} ms (${sorted[0]} to ${sorted.at(-1)}, ${runs} runs), of that ${Math.round(usedMs / runs)} ms of a processor; ${loadavg()[0]?.toFixed(1)} processes wait\n`,
);
process.exit();

/** Returns how long children that have ended have used a processor, in ms: the load of the machine changes it little. */
function childrenMs(): number {
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const [user = 0, system = 0] = fields.slice(13, 15).map(Number);
  return (user + system) * TICK_MS;
}
