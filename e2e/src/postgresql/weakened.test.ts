import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { expectSuccess, inSync, joinGroup, logOf, startFirst } from "./stages.ts";

test("a PostgreSQL master says where settings undo that commits wait, and that they are gone", async () => {
  await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  await inSync(group, "sync 1 a b");
  await a.sql("ALTER ROLE replicator SET synchronous_commit = off");
  await untilLogged(
    a,
    "synchronous_commit is off for role replicator: those commits are acknowledged before",
  );
  await a.sql("ALTER ROLE replicator RESET synchronous_commit");
  await a.sql("ALTER SYSTEM SET synchronous_standby_names = ''");
  await a.sql("SELECT pg_reload_conf()");
  await untilLogged(a, `synchronous_standby_names is '', and not 'ANY 1 ("b")' as MSDHA set it`);
  expect((await a.hook("report")).output).toMatch(/, settings undo MSDHA_PG_SYNC=strict$/);
  await a.sql("ALTER SYSTEM RESET synchronous_standby_names");
  await a.sql("SELECT pg_reload_conf()");
  await untilLogged(a, "MSDHA_PG_SYNC=strict holds again on this node");
  expect((await a.hook("report")).output).not.toMatch(/settings undo/);
  expectSuccess(await b.hook("alive"));
  expect(logOf(b)).not.toMatch(/is off|synchronous_standby_names is/);
});

/** It is looked for while the `alive` hook is run. */
async function untilLogged(node: HookNode, line: string): Promise<void> {
  await waitFor(
    async () => {
      expectSuccess(await node.hook("alive"));
      return logOf(node).includes(line);
    },
    { what: `the line ${line}`, intervalMs: 1_000 },
  );
}
