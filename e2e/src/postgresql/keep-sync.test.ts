import { rmSync } from "node:fs";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { cutClone } from "./cut-clone.ts";
import { createHookGroup } from "./hook-node.ts";
import { childrenOf } from "./server-processes.ts";
import {
  becomeReady,
  expectSuccess,
  hookProcesses,
  inSync,
  joinGroup,
  serverWaitsFor,
  signalHelper,
  startFirst,
  waitsForStandby,
} from "./stages.ts";

describe.concurrent("a PostgreSQL master with strict", () => {
  test("acknowledges nothing while no standby is there, and goes on when one is back", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    expect(group.value("postgresql-sync")).toBe("sync 1 a");
    let acknowledged = false;
    const write = a.sql("CREATE TABLE t AS SELECT 1").then(() => {
      acknowledged = true;
    });
    await waitsForStandby(a);
    expect(acknowledged).toBe(false);
    const b = await joinGroup(group, "b");
    await write;
    await inSync(group, "sync 1 a b");
    await serverWaitsFor(a, 'ANY 1 ("b")');

    await b.stop("SIGKILL");
    const second = a.sql("INSERT INTO t VALUES (2)");
    await waitsForStandby(a);
    expect(group.value("postgresql-sync")).toBe("sync 1 a b");
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b, { master: "a", group });
    await second;
  });

  test("goes on counting standbys when the program that does so was killed", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await inSync(group, "sync 1 a b c");
    const { inner } = await keepingPrograms(a);
    process.kill(inner, "SIGKILL");
    await c.stop("SIGKILL");
    await inSync(group, "sync 1 a b");
    await serverWaitsFor(a, 'ANY 1 ("b")');
  });

  test("goes on counting standbys when both programs that do so were killed", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await inSync(group, "sync 1 a b c");
    const { inner, outer } = await keepingPrograms(a);
    for (const pid of [outer, inner]) process.kill(pid, "SIGKILL");
    await c.stop("SIGKILL");
    await waitFor(
      async () => {
        expectSuccess(await a.hook("alive"));
        return group.value("postgresql-sync") === "sync 1 a b";
      },
      { what: "the alive hook to have the rounds go on", intervalMs: 1_000, timeoutMs: 60_000 },
    );
    await serverWaitsFor(a, 'ANY 1 ("b")');
  });

  test("has the group know of all that it waits for when a write that failed is carried out later", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    await startFirst(group, "a");
    await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await inSync(group, "sync 1 a b c");
    group.leavePutPending();
    await c.stop("SIGKILL");
    // It may wait for c by now, and says so before it tries again.
    await waitFor(() => group.isPutOvertaken(), { what: "the record to be written anew" });
    expect(group.carryOutPut()).toBe(false);
    await inSync(group, "sync 1 a b");
  });

  test("has nothing acknowledged when it wakes up after its time", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    await a.sql("CREATE TABLE t (x int)");
    await a.signalServer("SIGSTOP");
    group.setMaster(undefined);
    expectSuccess(await b.hook("candidate"));
    await a.signalServer("SIGCONT");
    let acknowledged = false;
    const write = a.sql("INSERT INTO t VALUES (1)").then(
      () => {
        acknowledged = true;
      },
      () => {},
    );
    await waitsForStandby(a);
    await b.sql("SELECT pg_sleep(1.5)");
    expect(acknowledged).toBe(false);
    await a.stop("SIGKILL");
    await write;
    expect(acknowledged).toBe(false);
  });

  test("does not count a clone in the making", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    await b.stop("SIGKILL");
    rmSync(b.data, { recursive: true });
    await using clone = await cutClone(a, b, "SIGSTOP");
    expect(await a.sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")).toBe("1");
    expect(await a.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state <> 'async'")).toBe("0");
    expect(clone.pid).toBeGreaterThan(0);
  });
});

describe.concurrent("a PostgreSQL master with preferred", () => {
  test("acknowledges without a standby after a while, tells the group before, and waits again for one that is back", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "preferred", MSDHA_PG_SYNC_PATIENCE: "1" });
    const a = await startFirst(group, "a");
    expect(group.value("postgresql-sync")).toBe("sync 1 a");
    await a.sql("CREATE TABLE t AS SELECT 1");
    expect(group.value("postgresql-sync")).toBe("async 1 a");
    await serverWaitsFor(a, "");

    const b = await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    await serverWaitsFor(a, 'ANY 1 ("b")');
    await b.stop("SIGKILL");
    const write = a.sql("INSERT INTO t VALUES (2)");
    await waitsForStandby(a);
    expect(group.value("postgresql-sync")).toBe("sync 1 a b");
    await write;
    expect(group.value("postgresql-sync")).toBe("async 1 a");
  });

  test("tells the group of all standbys that it waits for again, also of one that has not caught up", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "preferred", MSDHA_PG_SYNC_PATIENCE: "1" });
    const a = await startFirst(group, "a");
    await inSync(group, "async 1 a");
    // Until both are there, nobody looks.
    signalHelper(a, "SIGSTOP");
    await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await waitFor(
      async () =>
        (await a.sql(
          "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND flush_lsn = pg_current_wal_flush_lsn()",
        )) === "2",
      { what: "both to stream, and to have said that they have all" },
    );
    const receiver = Number(await c.sql("SELECT pid FROM pg_stat_wal_receiver"));
    using frozen = new DisposableStack();
    process.kill(receiver, "SIGSTOP");
    frozen.defer(() => process.kill(receiver, "SIGCONT"));
    signalHelper(a, "SIGCONT");
    await waitFor(() => group.value("postgresql-sync") !== "async 1 a", { what: "another record" });
    expect(group.value("postgresql-sync")).toBe("sync 1 a b c");
    await a.sql("CREATE TABLE t ()");
  });
});

/** The program that the `master` hook has left, and the one that asks for a round for it. Numbers tell nothing: they begin anew. */
async function keepingPrograms(
  master: Parameters<typeof hookProcesses>[0],
): Promise<{ readonly outer: number; readonly inner: number }> {
  const programs = hookProcesses(master, "master");
  const children = (await Promise.all(programs.map(childrenOf))).flat();
  const outer = programs.find((pid) => !children.includes(pid)) ?? Number.NaN;
  const [inner = Number.NaN] = await childrenOf(outer);
  return { outer, inner };
}
