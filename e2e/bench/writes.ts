// Counts what a group with a master and two slaves writes to etcd while nothing happens: writes.ts [--ttl S] [--seconds S]
// Needs a build.

import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startGroup } from "../src/support/group.ts";

const { values } = parseArgs({
  options: { ttl: { type: "string", default: "10" }, seconds: { type: "string", default: "60" } },
});
const ttlSeconds = Number(values.ttl);
const seconds = Number(values.seconds);

await using group = await startGroup({ ttlSeconds });
const nodes = ["a", "b", "c"].map((name) => group.start(name));
const master = await group.masterAmong(nodes, 90_000);
for (const { name } of nodes) if (name !== master.name) await group.state(name, "ready");
await sleep(3_000);
const before = await readRevision();
await sleep(seconds * 1_000);
const writes = (await readRevision()) - before;
console.log(
  `TTL ${ttlSeconds} s: ${writes} writes in ${seconds} s, ${Math.round((writes * 3_600) / seconds)} an hour`,
);

async function readRevision(): Promise<number> {
  const answer = JSON.parse(await group.etcd.etcdctl("get", "x", "-w", "json"));
  return answer.header.revision;
}
