import { getFreePort, waitFor } from "@msdha/testkit";
import pg from "pg";
import { expect, test } from "vitest";
import { composeUp } from "./support/compose.ts";
import { deployStack } from "./support/stack.ts";

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

const isOurs = process.env["MSDHA_OWN_ENGINE"] === "yes";
const unlessOurs = isOurs ? "" : " (skipped: it would make the machine's own engine a Swarm)";
test.skipIf(!isOurs)(`stack.yaml makes a group in a Swarm${unlessOurs}`, async () => {
  await using stack = await deployStack("images/examples/stack.yaml");
  // By the address of a frontend's task: the kernel may lack what Swarm spreads connections with.
  const url = `postgresql://postgres:${PASSWORD}@tasks.front:5432/postgres`;
  await waitFor(() => stack.exec("db1", "psql", "-Atc", "SELECT pg_is_in_recovery()", url), FIRST_MASTER);
  expect(await stack.exec("db1", "psql", "-Atc", "SELECT pg_is_in_recovery()", url)).toBe("f");
});
