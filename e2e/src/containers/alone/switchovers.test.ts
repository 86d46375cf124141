import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Access, TABLE } from "../../postgresql-group/writer.ts";
import { type PostgresqlGroup, startPostgresql } from "../support/postgresql.ts";

const SWITCHOVERS = 20;
const PER_SECOND = 200;
/** How well the time that `msdha switchover` prints has to agree with what clients saw. */
const AGREE_MS = 50;

let db: PostgresqlGroup;

beforeAll(async () => {
  db = await startPostgresql({ ttlSeconds: 3, nodes: 3, etcdMembers: 3 });
  await db.whole();
  await allowConnections(500);
});
afterAll(async () => {
  await db?.[Symbol.asyncDispose]();
});

/** All that have waited for a master come at once. A standby refuses to have fewer than its master. */
async function allowConnections(count: number): Promise<void> {
  const statement = `ALTER SYSTEM SET max_connections = ${count}`;
  for (const node of db.nodes) {
    const psql = ["psql", "-h", "/run/msdha/postgresql", "-U", "postgres", "-qc", statement];
    expect(await node.exec(psql)).toEqual({ code: 0, output: "" });
  }
  const restarted = await db.frontend.exec(["msdha", "restart", "--rolling", "--yes"]);
  expect(restarted).toMatchObject({ code: 0 });
  await db.whole();
  expect(await db.query("SHOW max_connections")).toEqual([{ max_connections: String(count) }]);
}

test("twenty switchovers in a row lose no row and refuse nobody, and say how long there was no master", async () => {
  expect(await db.missingRows()).toBe(0);
  await using load = startLoad(db.access);
  const differences: number[] = [];
  for (let count = 1; count <= SWITCHOVERS; count += 1) {
    load.begin();
    const { code, output } = await db.frontend.exec([
      "msdha",
      "switchover",
      "--yes",
      "--json",
      "--why",
      "a test",
    ]);
    expect({ code, output }).toMatchObject({ code: 0 });
    const { withoutMasterMs, to } = JSON.parse(output) as { withoutMasterMs: number; to: string };
    await db.whole();
    const { gapMs } = load;
    differences.push(Math.abs(gapMs - withoutMasterMs));
    process.stdout.write(
      `switchover ${count} to ${to}: ${Math.round(withoutMasterMs)} ms without a master, clients saw ${Math.round(gapMs)} ms\n`,
    );
  }
  const { sent, failures } = load;
  const sorted = differences.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  process.stdout.write(
    `${sent} connections, ${failures.length} refused; the times differ by ${Math.round(median)} ms (median), ${Math.round(sorted.at(-1) ?? 0)} ms at most\n`,
  );
  expect(failures).toEqual([]);
  expect(await db.missingRows()).toBe(0);
  expect(median).toBeLessThanOrEqual(AGREE_MS);
}, 600_000);

interface ConnectionLoad extends AsyncDisposable {
  readonly sent: number;
  readonly failures: readonly string[];
  /** The longest time since `begin` in which no new connection was served, in ms. */
  readonly gapMs: number;
  begin(): void;
}

/** Opens so many connections a second, whatever becomes of those before; each writes one row. */
function startLoad(access: Access): ConnectionLoad {
  const stop = new AbortController();
  const open = new Set<Promise<void>>();
  const failures: string[] = [];
  let sent = 0;
  let served = performance.now();
  let longest = 0;

  async function visit(): Promise<void> {
    const client = new pg.Client({ ...access, query_timeout: 60_000 });
    client.on("error", () => {});
    try {
      await client.connect();
      const now = performance.now();
      longest = Math.max(longest, now - served);
      served = now;
      await client.query(`SELECT 1 FROM ${TABLE} LIMIT 1`);
    } catch (error) {
      // A session that is open when the master stops is cut: that is no refusal.
      const message = error instanceof Error ? error.message : String(error);
      if (!/terminat|Connection terminated|shutting down/i.test(message)) failures.push(message);
    } finally {
      await client.end().catch(() => {});
    }
  }

  async function run(): Promise<void> {
    const begun = performance.now();
    while (!stop.signal.aborted) {
      const due = begun + (sent * 1_000) / PER_SECOND;
      if (performance.now() < due) await sleep(Math.max(1, due - performance.now()));
      sent += 1;
      const visiting = visit().finally(() => open.delete(visiting));
      open.add(visiting);
    }
  }
  const running = run();
  return {
    get sent() {
      return sent;
    },
    failures,
    get gapMs() {
      return longest;
    },
    begin() {
      longest = 0;
      served = performance.now();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await Promise.all(open);
    },
  };
}
