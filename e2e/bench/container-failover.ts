// Measures how long clients of the PostgreSQL example are not served, by container: container-failover.ts [--runs N]
// [--sync off,preferred,strict] [--systems msdha,patroni] [--only NAME]. The example's own Compose file is brought up anew for each way
// of replication, with three etcds, three nodes, a frontend, and a TTL of 3 s; beside it Debian's Patroni with its shortest times. Four
// clients write rows all the time; a gap is the longest time that any of them went without an acknowledged one. Needs Docker with
// Compose 2, the images (script/images; docker build --tag msdha-bench-patroni e2e/bench/patroni), and nothing else that runs.
// ETCD_IMAGE names etcd's image where the example's own can't be had.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { getFreePort, waitFor } from "@msdha/testkit";
import { execa } from "execa";
import pg from "pg";
import { type Access, startWriter, TABLE, type Writer } from "../src/postgresql-group/writer.ts";
import { isWhole } from "../src/support/listed-states.ts";
import { type Compose, type System, systems } from "./container-systems.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "10" },
    sync: { type: "string", default: "off,strict" },
    systems: { type: "string", default: "msdha" },
    only: { type: "string", default: "" },
  },
});
const runs = Number(values.runs);
const NODES = ["db1", "db2", "db3"] as const;
const WHOLE_MS = 180_000;

/** Each takes the master away. */
const changes: Readonly<
  Record<string, (system: System, compose: Compose, master: string) => Promise<unknown>>
> = {
  "planned stop": (_, compose, master) => compose("stop", master),
  switchover: (system, compose, master) => system.switchOver(compose, master),
  "server killed": ({ kill }, compose, master) => compose("exec", "--no-TTY", master, "sh", "-c", kill),
};

for (const name of values.systems.split(",")) {
  const system = systems[name];
  if (!system) throw new Error(`--systems: expected ${Object.keys(systems).join(" or ")}, got ${name}`);
  for (const sync of values.sync.split(",")) await measureAll(name, system, sync);
}

async function measureAll(name: string, system: System, sync: string): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const { compose, access } = await bringUp(system, sync, undo);
  await waitFor(
    () =>
      query(
        access,
        `CREATE TABLE IF NOT EXISTS ${TABLE} (id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`,
      ),
    { what: "the first master", timeoutMs: WHOLE_MS, intervalMs: 500 },
  );
  await system.prepare(compose, sync);
  const writer = undo.use(startWriter(access));
  const acknowledged: number[] = [];
  for (const [what, change] of Object.entries(changes).filter(([key]) => key.startsWith(values.only))) {
    const gaps: number[] = [];
    let refused = 0;
    for (let run = 0; run < runs; run++) {
      const master = await untilWhole(system, compose, access, writer);
      writer.meter.begin();
      await change(system, compose, master);
      await untilServed(writer);
      const seen = writer.meter.read();
      gaps.push(seen.gapMs);
      refused += seen.refusedConnections;
      await compose("start", master);
    }
    await untilWhole(system, compose, access, writer);
    acknowledged.push(...writer.takeAcknowledged());
    const missing = await countMissing(access, acknowledged);
    const sorted = gaps.toSorted((a, b) => a - b);
    const median = sorted[Math.floor((sorted.length - 1) / 2)];
    process.stdout.write(
      `${name}, ${sync}, ${what}: median ${median} ms, from ${sorted[0]} to ${sorted.at(-1)} (${gaps.join(", ")}); refused ${refused}, ` +
        `acknowledged rows missing ${missing}, overlaps ${writer.overlaps}; load ${loadavg()[0]?.toFixed(1)}\n`,
    );
  }
}

/** Starts the system, its nodes with what they get for that way of replication. */
async function bringUp(
  system: System,
  sync: string,
  undo: AsyncDisposableStack,
): Promise<{ readonly compose: Compose; readonly access: Access }> {
  const folder = await mkdtemp(join(tmpdir(), "msdha-bench-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const node = { environment: system.environment(sync) };
  const override = join(folder, "sync.json");
  await writeFile(
    override,
    JSON.stringify({ services: Object.fromEntries(NODES.map((name) => [name, node])) }),
  );
  const port = await getFreePort();
  const env = {
    COMPOSE_PROJECT_NAME: `msdha-bench-${process.pid}`,
    DB_PORT: String(port),
    STATUS_PORT: String(await getFreePort()),
  };
  const files = ["--file", system.file, "--file", override];
  const compose: Compose = async (...args) =>
    (await execa("docker", ["compose", ...files, ...args], { env })).stdout;
  undo.defer(async () => {
    await compose("down", "--volumes", "--timeout", "1", "--remove-orphans");
  });
  await compose("up", "--detach", ...(system.wait ? ["--wait"] : []));
  const password = await system.password(compose);
  return { compose, access: { host: "127.0.0.1", port, user: "postgres", password, database: "postgres" } };
}

/** Resolves with the master once two slaves stream from it and every client is served. */
async function untilWhole(system: System, compose: Compose, access: Access, writer: Writer): Promise<string> {
  const streaming = "SELECT count(*)::int FROM pg_stat_replication WHERE state = 'streaming'";
  await waitFor(async () => (await query(access, streaming))[0]?.[0] === NODES.length - 1, {
    what: "two standbys that stream",
    timeoutMs: WHOLE_MS,
    intervalMs: 200,
  });
  const master = await waitFor(
    async () => {
      const states = await system.states(compose);
      return isWhole(states, NODES.length)
        ? [...states].find(([, state]) => state === "master")?.[0]
        : undefined;
    },
    { what: "a master with two ready slaves", timeoutMs: WHOLE_MS, intervalMs: 500 },
  );
  await untilServed(writer);
  return master;
}

async function untilServed(writer: Writer): Promise<void> {
  const since = performance.now();
  await waitFor(() => writer.meter.allServedSince(since), {
    what: "every client to be served",
    timeoutMs: WHOLE_MS,
  });
}

async function countMissing(access: Access, acknowledged: readonly number[]): Promise<number> {
  const [row] = await query(access, `SELECT count(*)::int FROM ${TABLE} WHERE id = ANY($1)`, [acknowledged]);
  return acknowledged.length - Number(row?.[0] ?? 0);
}

async function query(
  access: Access,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<readonly unknown[][]> {
  const client = new pg.Client({ ...access, query_timeout: 60_000 });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query({ text, values: [...parameters], rowMode: "array" })).rows;
  } finally {
    await client.end().catch(() => {});
  }
}
