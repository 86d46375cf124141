// Measures what PostgreSQL nodes of a quiet group cost, without their servers: idle.ts [--seconds N] [--ttl S]. For each node: the memory
// of its supervisor, of its guard and of the process that its hooks leave (proportional set size), and how much of a processor they
// use. Needs a build, and nothing else that runs.

import { readdir, readFile, readlink, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { waitFor } from "@msdha/testkit";
import { createGroup } from "../src/postgresql-group/group.ts";
import { GROUP_NAME, placeNodes } from "../src/postgresql-group/group-commands.ts";
import { makeLayout } from "../src/postgresql-group/layout.ts";
import { isWhole, listedStates } from "../src/support/listed-states.ts";
import { runMsdha } from "../src/support/msdha.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "120" }, ttl: { type: "string", default: "10" } },
});
const seconds = Number(values.seconds);
const NODES = 3;
/** What a start leaves to do is done by then. */
const SETTLE_MS = 30_000;
/** The unit of times in /proc/PID/stat, on every Linux. */
const TICK_MS = 10;

await using undo = new AsyncDisposableStack();
const layout = await makeLayout(NODES);
undo.defer(() => rm(layout.folder, { recursive: true, force: true, maxRetries: 5 }));
const group = undo.use(createGroup());
const password = "bench";
const settings = { layout, ttlSeconds: Number(values.ttl), password, replicationPassword: password };
const { etcd } = await group.open({ ...settings, nodeSettings: { MSDHA_PG_SYNC: "strict" } });
await group.start();
const states = await waitFor(
  async () => {
    const { out } = await runMsdha({ endpoint: etcd, group: GROUP_NAME }, "list", "--json");
    const found = listedStates(out);
    return isWhole(found, NODES) ? found : undefined;
  },
  { what: "a master and two ready slaves", timeoutMs: 120_000, intervalMs: 500 },
);
await sleep(SETTLE_MS);

const before = await measure();
await sleep(seconds * 1_000);
const after = await measure();
for (const { name } of placeNodes(layout)) {
  const processes = after.get(name) ?? [];
  const memory = processes.reduce((sum, { pssKb }) => sum + pssKb, 0);
  const parts = processes.map((process) => {
    const old = before.get(name)?.find(({ pid }) => pid === process.pid);
    return { ...process, percent: old && (process.cpuMs - old.cpuMs) / (seconds * 10) };
  });
  const percent = parts.reduce((sum, part) => sum + (part.percent ?? 0), 0);
  process.stdout.write(
    `${name} (${states.get(name)}): ${mb(memory)} MB, ${percent.toFixed(2)} % of a processor: ${parts
      .map((part) => `${part.what} ${mb(part.pssKb)} MB ${part.percent?.toFixed(2) ?? "new"} %`)
      .join(", ")}\n`,
  );
}
process.stdout.write(`${seconds} s at a TTL of ${values.ttl} s; load ${loadavg()[0]?.toFixed(1)}\n`);

interface Cost {
  readonly pid: string;
  readonly what: string;
  readonly pssKb: number;
  readonly cpuMs: number;
}

/** What each node has, but for its server: that one works in the data's folder, and hides its environment. */
async function measure(): Promise<ReadonlyMap<string, readonly Cost[]>> {
  const costs = new Map<string, Cost[]>();
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    const place = placeNodes(layout).find(({ folder }) =>
      environment.split("\0").includes(`MSDHA_RUN_DIR=${folder}/run`),
    );
    if (!place || (await readlink(`/proc/${pid}/cwd`).catch(() => "")) === `${place.folder}/data`) continue;
    const cost = await measureProcess(pid).catch(() => undefined);
    if (cost) costs.set(place.name, [...(costs.get(place.name) ?? []), cost]);
  }
  return costs;
}

async function measureProcess(pid: string): Promise<Cost> {
  const [command, memory, stat] = await Promise.all(
    ["cmdline", "smaps_rollup", "stat"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8")),
  );
  const words = (command ?? "").split("\0").filter((word) => word !== "" && !word.startsWith("--"));
  const times = (stat ?? "").slice((stat ?? "").lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    what: words
      .slice(0, 3)
      .map((word) => word.split("/").at(-1))
      .join(" "),
    pssKb: Number(/^Pss:\s+(\d+)/m.exec(memory ?? "")?.[1]),
    cpuMs: (Number(times[11]) + Number(times[12])) * TICK_MS,
  };
}

function mb(kb: number): string {
  return (kb / 1_024).toFixed(1);
}
