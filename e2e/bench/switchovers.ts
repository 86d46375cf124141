// Moves the master of a PostgreSQL group under load, again and again: switchovers.ts [--runs N] [--rate CONNECTIONS-A-SECOND].
// Compares the time without a master that `msdha switchover` prints with what clients saw. Ends with 1 if a connection was refused, an
// acknowledged row is missing, or the times differ by more than 50 ms (median). Needs a build, and nothing else that runs.

import { rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { waitFor } from "@msdha/testkit";
import pg from "pg";
import { createGroup } from "../src/postgresql-group/group.ts";
import { DATABASE, GROUP_NAME, placeNodes, SUPERUSER } from "../src/postgresql-group/group-commands.ts";
import { makeLayout } from "../src/postgresql-group/layout.ts";
import { isWhole, listedStates } from "../src/support/listed-states.ts";
import { runMsdha } from "../src/support/msdha.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "20" }, rate: { type: "string", default: "200" } },
});
const runs = Number(values.runs);
const rate = Number(values.rate);
const AGREE_MS = 50;
const NODES = 3;
/** The default: a busy machine should not make a master lose its lease, which is no switchover. */
const TTL_SECONDS = 10;
/** Those that have waited for a master come at once. */
const MOST_CONNECTIONS = 500;
/** With so many open connections no more are opened, nor later: a load that is more than the machine can serve would only grow. */
const MOST_OPEN = 400;
/** A load whose connections take a tenth of a second is served: the next switchover can begin. */
const SERVED_OPEN = rate / 10;

await using undo = new AsyncDisposableStack();
const layout = await makeLayout(NODES);
undo.defer(() => rm(layout.folder, { recursive: true, force: true, maxRetries: 5 }));
const group = undo.use(createGroup());
const password = "bench";
const settings = { layout, ttlSeconds: TTL_SECONDS, password, replicationPassword: password };
const { etcd } = await group.open({ ...settings, nodeSettings: { MSDHA_PG_SYNC: "strict" } });
const access = { user: SUPERUSER, password, database: DATABASE, port: layout.port, query_timeout: 60_000 };
const frontend = { ...access, host: layout.frontendAddress };
await group.start();
const msdha = (...args: readonly string[]) => runMsdha({ endpoint: etcd, group: GROUP_NAME }, ...args);

await waitFor(() => query(frontend, "CREATE TABLE visits (id bigint PRIMARY KEY)"), {
  what: "the first master",
  timeoutMs: 120_000,
});
await untilWhole();
// A standby refuses to have fewer than its master.
for (const { address } of placeNodes(layout)) {
  const node = { ...access, host: address, database: "postgres" };
  await query(node, `ALTER SYSTEM SET max_connections = ${MOST_CONNECTIONS}`);
}
await succeed(msdha("restart", "--rolling", "--yes"));
await untilWhole();

const acknowledged: number[] = [];
const refusals: string[] = [];
const open = new Set<Promise<void>>();
let sent = 0;
let served = performance.now();
let longest = 0;
const over = new AbortController();
const begun = performance.now();
const loading = load();
const differences: number[] = [];
let master = await nameMaster();
for (let run = 1; run <= runs; run += 1) {
  await untilServed();
  const present = await nameMaster();
  if (present !== master) say(`${present} has become the master by itself: see why with msdha history`);
  longest = 0;
  const { withoutMasterMs = 0, to } = JSON.parse(await succeed(msdha("switchover", "--yes", "--json"))) as {
    readonly withoutMasterMs?: number;
    readonly to: string;
  };
  master = to;
  await untilWhole();
  differences.push(Math.abs(longest - withoutMasterMs));
  const strain = `${loadavg()[0]?.toFixed(1)} processes wait`;
  say(
    `switchover ${run} to ${to}: ${ms(withoutMasterMs)} without a master, clients saw ${ms(longest)}, ${refusals.length} of ${sent} refused so far (${strain})`,
  );
}
const tookMs = performance.now() - begun;
over.abort();
await loading;
const [row] = await query(frontend, "SELECT count(*)::int FROM visits WHERE id = ANY($1)", [acknowledged]);
const missing = acknowledged.length - Number(row?.[0] ?? 0);
const median = differences.toSorted((a, b) => a - b)[Math.floor(differences.length / 2)] ?? Number.NaN;
say(
  `${runs} switchovers: ${sent} connections (${Math.round((sent * 1_000) / tookMs)} a second), ${refusals.length} refused, ${missing} of ${acknowledged.length} acknowledged rows missing; the times differ by ${ms(median)} (median), ${ms(Math.max(...differences))} at most`,
);
for (const why of new Set(refusals)) say(`refused: ${why}`);
await undo.disposeAsync();
process.exit(refusals.length > 0 || missing > 0 || !(median <= AGREE_MS) ? 1 : 0);

/** Opens so many connections a second, each for one row. */
async function load(): Promise<void> {
  let due = performance.now();
  while (!over.signal.aborted) {
    due += 1_000 / rate;
    const waitMs = due - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    if (open.size >= MOST_OPEN) {
      while (open.size >= MOST_OPEN) await Promise.race(open);
      due = performance.now();
    }
    sent += 1;
    const visiting: Promise<void> = visit(sent).finally(() => open.delete(visiting));
    open.add(visiting);
  }
  await Promise.all(open);
}

async function visit(id: number): Promise<void> {
  const client = new pg.Client(frontend);
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    refusals.push(error instanceof Error ? error.message : String(error));
    return;
  }
  const now = performance.now();
  longest = Math.max(longest, now - served);
  served = now;
  try {
    await client.query("INSERT INTO visits VALUES ($1)", [id]);
    acknowledged.push(id);
  } catch {
    // A session that is open when the master stops is cut. Its row was not acknowledged.
  } finally {
    await client.end().catch(() => {});
  }
}

async function query(
  to: pg.ClientConfig,
  statement: string,
  parameters: readonly unknown[] = [],
): Promise<readonly unknown[][]> {
  const client = new pg.Client(to);
  client.on("error", () => {});
  await client.connect();
  try {
    const { rows } = await client.query({ text: statement, values: [...parameters], rowMode: "array" });
    return rows as unknown[][];
  } finally {
    await client.end().catch(() => {});
  }
}

/** Resolves when all other nodes are ready, and stream. */
async function untilWhole(): Promise<void> {
  const streaming = "SELECT count(*)::int FROM pg_stat_replication WHERE state = 'streaming'";
  await waitFor(
    async () => {
      const states = listedStates((await msdha("list", "--json")).out);
      return isWhole(states, NODES) && (await query(frontend, streaming))[0]?.[0] === NODES - 1;
    },
    { what: "a whole group", timeoutMs: 120_000, intervalMs: 500 },
  );
}

/** Resolves when those that have waited for a master are served. A machine that can't serve the load at all says nothing about switchovers. */
async function untilServed(): Promise<void> {
  await waitFor(() => open.size <= SERVED_OPEN, {
    what: `a load that is served (can this machine serve ${rate} logins a second?)`,
    timeoutMs: 180_000,
  });
}

async function nameMaster(): Promise<string> {
  return (await succeed(msdha("master"))).trim();
}

async function succeed(run: ReturnType<typeof runMsdha>): Promise<string> {
  const { code, out, err } = await run;
  if (code !== 0) throw new Error(`msdha ended with ${code}: ${err}`);
  return out;
}

function ms(time: number): string {
  return `${Math.round(time)} ms`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
