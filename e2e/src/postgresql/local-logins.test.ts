import { chmodSync } from "node:fs";
import { tempDir, waitFor } from "@msdha/testkit";
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
});

async function backUp(node: HookNode, becomesMaster: () => void): Promise<void> {
  expectSuccess(await node.hook("pre_start"));
  await becomeReady(node);
  becomesMaster();
  expectSuccess(await node.hook("master"));
  await waitFor(() => /the base backup/.test(logOf(node)), { what: "the backup", timeoutMs: 60_000 });
  expect(logOf(node)).toMatch(/made the base backup /);
}
