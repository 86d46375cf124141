import { execFileSync } from "node:child_process";
import { chmodSync, closeSync, existsSync, openSync, rmSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookGroup, type HookNode } from "./hook-node.ts";
import { mountSmall } from "./small-disk.ts";
import { becomeReady, expectSuccess, joinGroup, killHook, logOf, promote, startFirst } from "./stages.ts";

describe.concurrent("a PostgreSQL group", () => {
  test("has every row but those of the dead after ten failovers, each former master rewound", async () => {
    await using group = await createHookGroup();
    let master = await startFirst(group, "a");
    let standby = await joinGroup(group, "b");
    await master.sql("CREATE TABLE t (x int)");
    for (let failover = 1; failover <= 10; failover += 1) {
      await master.sql(`INSERT INTO t VALUES (${failover})`);
      await hasRows(standby, failover);
      // What only the master has is lost with it, and must not come back.
      await stopSending(master);
      await master.sql(`INSERT INTO t VALUES (-${failover})`);
      await master.stop("SIGKILL");
      await failOver(group, { from: master, to: standby });
      [master, standby] = [standby, master];
    }
    expect(await master.sql("SELECT string_agg(x::text, ' ' ORDER BY x) FROM t")).toBe(
      "1 2 3 4 5 6 7 8 9 10",
    );
    await hasRows(standby, 10);
  });

  test("starts no data whose rewind was cut, and rewinds them again when there is a master", async () => {
    await using group = await createHookGroup({ MSDHA_PG_RECLONE: "yes" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await stopSending(a);
    await a.sql("CREATE TABLE only_here AS SELECT generate_series(1, 10000)");
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    await promote(group, b);
    await b.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)");
    await b.sql("CHECKPOINT");
    // Holes that are read as zeros: enough to copy for some time.
    const ballast = join(b.data, "ballast");
    closeSync(openSync(ballast, "w", 0o644));
    truncateSync(ballast, 2 ** 29);
    const cut = a.hook("pre_start");
    await waitFor(() => existsSync(join(a.data, "ballast")), { what: "a rewind on its way", intervalMs: 1 });
    await killHook(a, "pre_start");
    expect((await cut).exitCode).not.toBe(0);
    rmSync(ballast);

    group.setMaster(undefined);
    const waiting = a.hook("pre_start");
    await waitFor(() => logOf(a).includes("waiting for a master: an earlier pg_rewind was cut"), {
      what: "the hook to wait",
    });
    group.setMaster("b");
    const back = await waiting;
    expectSuccess(back);
    expect(back.output).toMatch(
      /^waiting for a master: an earlier pg_rewind was cut halfway\npg_rewind: making/,
    );
    await becomeReady(a);
    expect(await a.sql("SELECT count(*) FROM t")).toBe("1000");
    expect(await a.sql("SELECT to_regclass('only_here') IS NULL")).toBe("t");
    // Rewound, and not cloned.
    expect(a.folders()).toEqual(["data", "run"]);
  });

  test("starts data whose rewind failed before it changed anything, when their new master is lost", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    await hasRows(b, 1);
    await stopSending(a);
    await a.sql("CREATE TABLE only_here AS SELECT 1 AS x");
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    await promote(group, b);
    await b.sql("CHECKPOINT");
    await b.sql("REVOKE EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean) FROM replicator");
    const failed = await a.hook("pre_start");
    expect(failed.exitCode).toBe(1);
    expect(failed.output).toMatch(/permission denied for function pg_ls_dir/);
    await b.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    await promote(group, a);
    expect(await a.sql("SELECT x FROM only_here")).toBe("1");
  });

  test("rewinds by log of the archive that the data do not have any more", async () => {
    await using archives = tempDir();
    chmodSync(archives.path, 0o777);
    await using group = await createHookGroup({
      MSDHA_PG_WAL_KEEP: "0",
      MSDHA_PG_SLOT_KEEP: "0",
      MSDHA_PG_ARGS: "-c max_prepared_transactions=10",
    });
    group.node("a", { MSDHA_PG_ARCHIVE: `${archives.path}/a` });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    const oldest = await a.sql("SELECT min(name) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'");
    for (let files = 0; files < 4; files += 1) {
      await a.sql(`CREATE TABLE only_here${files} AS SELECT pg_switch_wal()`);
      await a.sql("CHECKPOINT");
    }
    await waitFor(
      async () => {
        await a.sql("CHECKPOINT");
        return (await a.sql(`SELECT count(*) FROM pg_ls_waldir() WHERE name = '${oldest}'`)) === "0";
      },
      { what: "the file of the log to be in the archive only" },
    );
    // Recovered by the settings of MSDHA_PG_ARGS.
    await a.sql("BEGIN; CREATE TABLE only_here (); PREPARE TRANSACTION 'p'");
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    await promote(group, b);
    await b.sql("CHECKPOINT");
    const { exitCode, output } = await a.hook("pre_start");
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output: expect.stringContaining("pg_rewind: Done!"),
    });
    await becomeReady(a);
    expect(await a.sql("SELECT to_regclass('only_here0') IS NULL")).toBe("t");
  });

  test("takes a copy of a node's data for a standby's, and no second server for the same data", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    const copy = group.node("b");
    const same = group.node("c", { PGDATA: a.data });
    const refused = await same.hook("pre_start");
    expect(refused).toEqual({
      exitCode: 1,
      output: `PGDATA: another server works in ${a.data}: do two nodes have the same volume?`,
    });
    expect(await a.sql("SELECT x FROM t")).toBe("1");

    await a.stop("SIGINT");
    execFileSync("cp", ["-a", a.data, copy.data]);
    group.setMaster(undefined);
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    await promote(group, a);
    expectSuccess(await copy.hook("pre_start"));
    await becomeReady(copy);
    await a.sql("INSERT INTO t VALUES (2)");
    await waitFor(async () => (await copy.sql("SELECT max(x) FROM t")) === "2", { what: "the row on b" });
    expect(await a.sql("SELECT application_name FROM pg_stat_replication")).toBe("b");
  });

  test.skipIf(process.getuid?.() !== 0)(
    "goes on when a standby's disk is full; the standby is back when there is room",
    async () => {
      await using group = await createHookGroup();
      const a = await startFirst(group, "a");
      using disk = mountSmall(join(dirname(dirname(a.data)), "small"), "90m");
      const b = await joinGroup(group, "b", { PGDATA: join(disk.path, "data") });
      await a.sql("CREATE TABLE t AS SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 80000) AS i");
      await b.ended;
      await a.sql("INSERT INTO t VALUES (0, 'while it was full')");
      group.setMaster(undefined);
      group.setMaster("a");
      const full = await b.hook("pre_start");
      if (full.exitCode !== 0)
        expect(full.output.split("\n").at(-1)).toMatch(/No space left|ENOSPC|no space/);
      disk.enlarge("1g");
      expectSuccess(await b.hook("pre_start"));
      await becomeReady(b);
      expect(await b.sql("SELECT count(*) FROM t")).toBe("80001");
      expect(await a.sql("SELECT application_name FROM pg_stat_replication")).toBe("b");
      await b.stop("SIGINT");
    },
  );

  test("keeps a preloaded library through a crash, a rewind and a clone", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await a.sql("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    await promote(group, a);
    await a.sql("CREATE EXTENSION pg_stat_statements");
    const b = await joinGroup(group, "b");
    await hasStatements(b);
    await a.stop("SIGKILL");
    await failOver(group, { from: a, to: b });
    await hasStatements(a);
    await hasStatements(b);
  });
});

async function hasRows(node: HookNode, count: number): Promise<void> {
  await waitFor(async () => (await node.sql("SELECT count(*) FROM t WHERE x > 0")) === String(count), {
    what: `${count} rows on ${node.name}`,
  });
}

async function hasStatements(node: HookNode): Promise<void> {
  await waitFor(async () => Number(await node.sql("SELECT count(*) FROM pg_stat_statements")) > 0, {
    what: `statements on ${node.name}`,
  });
}

/** Another node is promoted, and the former master, which was killed, comes back. */
async function failOver(
  group: HookGroup,
  { from, to }: { readonly from: HookNode; readonly to: HookNode },
): Promise<void> {
  group.setMaster(undefined);
  expectSuccess(await to.hook("candidate"));
  await promote(group, to);
  expectSuccess(await from.hook("pre_start"));
  await becomeReady(from);
}

/** Has a master send nothing more, to be killed with what only it has. */
async function stopSending(node: HookNode): Promise<void> {
  process.kill(Number(await node.sql("SELECT pid FROM pg_stat_replication")), "SIGSTOP");
}
