import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { becomeReady, expectSuccess, logOf } from "./stages.ts";

const WITH_PASSWORD = { POSTGRES_INITDB_ARGS: "--auth-local=scram-sha-256" };

describe.concurrent("a PostgreSQL master whose local logins need a password", () => {
  test("makes its base backups, as other nodes clone it", async () => {
    await using place = tempDir();
    chmodSync(place.path, 0o777);
    await using group = await createHookGroup({ ...WITH_PASSWORD, MSDHA_PG_ARCHIVE: place.path });
    await backUp(group.node("a"), () => group.setMaster("a"));
  });

  test("gives the password to MSDHA_PG_BACKUP_COMMAND", async () => {
    await using group = await createHookGroup({
      ...WITH_PASSWORD,
      MSDHA_PG_BACKUP_COMMAND: "psql -w -d postgres -c 'SELECT 1'",
    });
    await backUp(group.node("a"), () => group.setMaster("a"));
  });

  test("says that its server refuses it, when another password was set there than its own", async () => {
    await using group = await createHookGroup({ ...WITH_PASSWORD, POSTGRES_PASSWORD: "first" });
    const a = group.node("a");
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    group.setMaster("a");
    expectSuccess(await a.hook("master"));
    await waitFor(() => group.value("postgresql-position") !== undefined, { what: "its position" });
    await setPassword(a, "first", "another");
    await waitFor(
      () =>
        /the group was not told how far this node is: password authentication failed for user "postgres"/.test(
          logOf(a),
        ),
      { what: "the line of the master" },
    );
    expect(await a.hook("candidate")).toEqual({
      exitCode: 1,
      output: 'the server does not answer: password authentication failed for user "postgres"',
    });
    await a.stop("SIGINT");
    group.setMaster(undefined);
    expectSuccess(await a.hook("pre_start"));
    a.start();
    // It never ends.
    void a.hook("running_not_ready");
    await waitFor(
      () =>
        /taken no connections for \d+ s: it refuses this node's own session on its socket: password/.test(
          logOf(a),
        ),
      { what: "the line of the start", timeoutMs: 60_000 },
    );
    expectSuccess(await a.hookWith({ MSDHA_STATE: "running_not_ready" }, "alive"));
  });
});

/** Sets the superuser's password, and ends all sessions, so that the next ones need it. */
async function setPassword(node: HookNode, before: string, after: string): Promise<void> {
  const port = Number(readFileSync(join(node.data, "postmaster.pid"), "utf8").split("\n")[3]);
  const host = join(node.runDir, "postgresql");
  const client = new pg.Client({ host, port, user: "postgres", password: before, database: "postgres" });
  await client.connect();
  await client.query(`ALTER ROLE postgres PASSWORD '${after}'`);
  await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'msdha hook'",
  );
  await client.end();
}

async function backUp(node: HookNode, becomesMaster: () => void): Promise<void> {
  expectSuccess(await node.hook("pre_start"));
  await becomeReady(node);
  becomesMaster();
  expectSuccess(await node.hook("master"));
  await waitFor(() => /the base backup/.test(logOf(node)), { what: "the backup", timeoutMs: 60_000 });
  expect(logOf(node)).toMatch(/made the base backup /);
}
