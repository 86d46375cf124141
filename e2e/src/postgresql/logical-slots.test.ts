import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { findVersion } from "./server-version.ts";
import { becomeReady, expectSuccess, joinGroup, promote, startFirst } from "./stages.ts";

const settings = { MSDHA_PG_LOGICAL_SLOTS: "yes" };

const version = await findVersion();

test.skipIf(version >= 17)(
  "logical slots that survive a fail-over are refused before PostgreSQL 17",
  async () => {
    await using group = await createHookGroup(settings);
    expect(await group.node("a").hook("pre_start")).toEqual({
      exitCode: 1,
      output: `MSDHA_PG_LOGICAL_SLOTS: expected no, since PostgreSQL ${version} does not keep logical slots over a fail-over (17 does)`,
    });
  },
);

test.skipIf(version < 17)(
  "a logical slot survives a fail-over, and the former master takes it over from the new one",
  async () => {
    await using group = await createHookGroup(settings);
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("CREATE TABLE t (x int); CREATE PUBLICATION p FOR TABLE t");
    await a.sql("SELECT pg_create_logical_replication_slot('sub', 'pgoutput', false, false, true)");
    await isSynced(b, a);
    await a.sql("INSERT INTO t VALUES (1)");
    await waitFor(async () => (await b.sql("SELECT count(*) FROM t WHERE x = 1")) === "1", {
      what: "the row on b",
    });
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    await promote(group, b);
    // Begin, relation, insert, commit.
    expect(Number(await b.sql(consume("peek")))).toBeGreaterThanOrEqual(4);

    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    await isSynced(a, b);
  },
);

/** Waits for a standby to have the slot, while a consumer reads from it: a standby keeps it only from where its own log begins. */
async function isSynced(node: HookNode, master: HookNode): Promise<void> {
  const slot =
    "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'sub' AND synced AND NOT temporary";
  await waitFor(
    async () => {
      await master.sql("INSERT INTO t VALUES (0)");
      await master.sql(consume("get"));
      return (await node.sql(slot)) === "1";
    },
    { what: `the slot on ${node.name}`, timeoutMs: 90_000, intervalMs: 500 },
  );
}

function consume(how: "get" | "peek"): string {
  return `SELECT count(*) FROM pg_logical_slot_${how}_binary_changes('sub', NULL, NULL,
    'proto_version', '1', 'publication_names', 'p')`;
}
