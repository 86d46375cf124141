import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { createHookGroup, type HookGroup, type HookNode } from "./hook-node.ts";
import {
  becomeReady,
  expectSuccess,
  hookProcesses,
  joinGroup,
  killHook,
  logOf,
  promote,
  startFirst,
} from "./stages.ts";

test("a former master that was killed when its rewind was done, and on its way to the disk, needs no clone", async () => {
  await using group = await createHookGroup();
  const { a, b } = await partMaster(group);
  group.setProgram("sync", "#!/bin/sh\nexec sleep 600\n");
  const cut = a.hook("pre_start");
  await waitFor(() => logOf(a).includes("pg_rewind: Done!"), { what: "pg_rewind to be done" });
  await waitFor(() => hookProcesses(a, "pre_start").length > 0, { what: "the hook" });
  await killHook(a, "pre_start");
  expect((await cut).exitCode).not.toBe(0);
  group.setProgram("sync", '#!/bin/sh\nexec /bin/sync "$@"\n');

  const back = await a.hook("pre_start");
  expectSuccess(back);
  await becomeReady(a);
  expect(await a.sql("SELECT to_regclass('only_here') IS NULL")).toBe("t");
  await b.sql("INSERT INTO t VALUES (1001)");
  await waitFor(async () => (await a.sql("SELECT count(*) FROM t")) === "1001", { what: "the rows on a" });
});

test("a former master says what it waits for where the new one is not promoted yet", async () => {
  await using group = await createHookGroup();
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  await a.stop("SIGKILL");
  group.setMaster("b");
  const waiting = a.hook("pre_start");
  await waitFor(
    () => /^waiting for b .* has not finished the first checkpoint after its promotion$/m.test(logOf(a)),
    {
      what: "the line of the former master",
    },
  );
  await promote(group, b);
  await b.sql("CHECKPOINT");
  expectSuccess(await waiting);
  expect(logOf(a).match(/^waiting for b/gm)).toHaveLength(1);
});

/** The former master a crashed with rows that nobody else has; b is the master. */
async function partMaster(group: HookGroup): Promise<{ readonly a: HookNode; readonly b: HookNode }> {
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  process.kill(Number(await a.sql("SELECT pid FROM pg_stat_replication")), "SIGSTOP");
  await a.sql("CREATE TABLE only_here AS SELECT generate_series(1, 10000)");
  await a.stop("SIGKILL");
  group.setMaster(undefined);
  await promote(group, b);
  await b.sql("CREATE TABLE t AS SELECT x FROM generate_series(1, 1000) AS a (x)");
  await b.sql("CHECKPOINT");
  return { a, b };
}
