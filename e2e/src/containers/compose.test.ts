import { getFreePort, waitFor } from "@msdha/testkit";
import pg from "pg";
import { expect, test } from "vitest";
import { composeUp } from "./support/compose.ts";

const PASSWORD = "change-me";
/** At the TTL of 10 s that the examples have. */
const FIRST_MASTER = { what: "the first master", timeoutMs: 120_000, intervalMs: 500 };

async function query(port: number, statement: string): Promise<readonly Record<string, string>[]> {
  const client = new pg.Client({
    ...{ host: "127.0.0.1", port, user: "postgres", password: PASSWORD, database: "postgres" },
    query_timeout: 60_000,
  });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, string>>(statement)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

test("compose.yaml makes a group that survives its master, behind two frontends", async () => {
  const [one, two] = [await getFreePort(), await getFreePort()];
  await using project = await composeUp("images/examples/compose.yaml", {
    ...{ FRONT1_PORT: String(one), FRONT2_PORT: String(two) },
  });
  await waitFor(() => query(one, "CREATE TABLE t AS SELECT 1 AS x"), FIRST_MASTER);
  const streaming = "SELECT FROM pg_stat_replication WHERE state = 'streaming'";
  const whole = { what: "two standbys", timeoutMs: 90_000, intervalMs: 500 };
  await waitFor(async () => (await query(two, streaming)).length === 2, whole);
  const [{ cluster_name: master = "" } = {}] = await query(one, "SHOW cluster_name");
  expect(master).toMatch(/^db[123]$/);

  await project.run("stop", master);
  // A moment before it takes writes, the next master gets the clients.
  await waitFor(() => query(one, "INSERT INTO t VALUES (2)"), { what: "the next master", timeoutMs: 60_000 });
  expect(await query(two, "SELECT x FROM t ORDER BY x")).toEqual([{ x: 1 }, { x: 2 }]);
  expect(await query(two, "SHOW cluster_name")).not.toEqual([{ cluster_name: master }]);
  await project.run("start", master);
  await waitFor(async () => (await query(one, streaming)).length === 2, whole);
});
