import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { expectSuccess, joinGroup, logOf, startFirst } from "./stages.ts";

describe.concurrent("while a PostgreSQL master serves, the log says what the next fail-over would lack", () => {
  test("where a node's pg_hba.conf lets the others in no more", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const file = join(b.data, "pg_hba.conf");
    const before = readFileSync(file, "utf8");
    writeFileSync(file, before.replace(/^host +replication .*$/gm, ""));
    await b.sql("SELECT pg_reload_conf()");
    const line =
      /^this node can't open a new connection to b, as it must to follow it after a fail-over: \S+ refuses the replication user replicator: FATAL: no pg_hba.conf entry for replication connection from host/m;
    await untilLogged(a, line);
    expect((await a.hook("report")).output).toMatch(/, can't follow b after a fail-over$/);
    writeFileSync(file, before);
    await b.sql("SELECT pg_reload_conf()");
    await untilLogged(a, /^nothing is missing any more for this node to follow b$/m);
    expect((await a.hook("report")).output).not.toMatch(/after a fail-over/);
    expect(logOf(a).match(new RegExp(line, "gm"))).toHaveLength(1);
  });

  test("where the replication user's password was changed", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("ALTER ROLE replicator PASSWORD 'another'");
    await untilLogged(
      b,
      /^this node can't open a new connection to a, .*: FATAL: password authentication failed/m,
    );
  });

  test("where rights were taken, or lost with a database postgres that was made anew", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("REVOKE pg_monitor FROM replicator");
    // As in a new database: they are not in the template.
    await a.sql("REVOKE EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean) FROM replicator");
    await untilLogged(
      b,
      /^what the replication user needs in the database postgres is missing on the master a\. Run there: GRANT pg_monitor TO "replicator"; GRANT EXECUTE ON FUNCTION pg_ls_dir\(text, boolean, boolean\) TO "replicator"$/m,
    );
  });
});

/** It is looked for while the `alive` hook is run. */
async function untilLogged(node: HookNode, line: RegExp): Promise<void> {
  await waitFor(
    async () => {
      expectSuccess(await node.hook("alive"));
      return line.test(logOf(node));
    },
    { what: `the line ${line}`, intervalMs: 1_000, timeoutMs: 120_000 },
  );
}
