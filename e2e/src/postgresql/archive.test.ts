import { chmodSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { becomeReady, expectSuccess, joinGroup, logOf, promote, startFirst } from "./stages.ts";

describe.concurrent("a PostgreSQL group with an archive", () => {
  test("keeps the log and some base backups in it, and makes new data from it where there is no master", async () => {
    await using archives = openArchives();
    const archive = join(archives.path, "archive");
    await using group = await createHookGroup({
      MSDHA_PG_ARCHIVE: archive,
      MSDHA_PG_ARCHIVE_KEEP: "1",
      MSDHA_PG_ARCHIVE_KEEP_TIME: "0",
    });
    const backups = (): readonly string[] =>
      readdirSync(join(archive, "base")).filter((name) => name !== ".new");
    const a = await startFirst(group, "a");
    await waitFor(() => backups().length === 1, { what: "a base backup" });
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)");
    const segment = await a.sql("SELECT pg_walfile_name(pg_switch_wal())");
    await untilArchived(archive, segment);
    await a.stop("SIGKILL");
    group.setMaster(undefined);

    const b = group.node("b");
    const restored = await b.hook("pre_start");
    expectSuccess(restored);
    expect(restored.output).toMatch(/there is no master: restoring the data from/);
    await becomeReady(b);
    expect(await b.sql("SELECT count(*) FROM t")).toBe("1000");
    expect((await b.hook("candidate")).output).toMatch(
      /^the data are from the archive and may lack what was ack/,
    );
    expectSuccess(await b.hookWith({ MSDHA_PG_ARCHIVE_PROMOTE: "yes" }, "candidate"));
    await promote(group, b);
    await waitFor(() => backups().length === 1 && backups()[0]?.startsWith("00000003-"), {
      what: "the next base backup in the place of the first",
    });
    await waitFor(() => !readdirSync(join(archive, "wal")).includes("000000020000000000000001"), {
      what: "the log from before the backup to be gone",
    });
    // With a master, data are cloned from it.
    const c = await joinGroup(group, "c");
    expectSuccess(await c.hook("candidate"));
  });

  test("gets from a new master the log that the former one had not archived", async () => {
    await using archives = openArchives();
    const archive = join(archives.path, "archive");
    await using group = await createHookGroup({ MSDHA_PG_ARCHIVE: archive });
    const a = await startFirst(group, "a");
    await waitFor(() => group.value("postgresql-backup") !== undefined, { what: "the base backup" });
    const b = await joinGroup(group, "b");
    chmodSync(join(archive, "wal"), 0o500);
    await a.sql("CREATE TABLE t (x int)");
    for (let file = 0; file < 4; file += 1) {
      await a.sql(`INSERT INTO t VALUES (${file})`);
      await a.sql("SELECT pg_switch_wal()");
    }
    await a.sql("INSERT INTO t VALUES (4)");
    await waitFor(async () => (await b.sql("SELECT count(*) FROM t")) === "5", { what: "the rows on b" });
    const waiting = waitingForArchive(a);
    expect(waiting.length).toBeGreaterThanOrEqual(4);
    await a.stop("SIGKILL");
    chmodSync(join(archive, "wal"), 0o700);
    await promote(group, b);
    await waitFor(() => waiting.every((name) => readdirSync(join(archive, "wal")).includes(name)), {
      what: "the log in the archive",
      timeoutMs: 90_000,
    });
    expect(logOf(b)).toMatch(/the former master had not archived \d+ files of the log: archiving 0000000200/);
  });

  test("rewinds a standby that has more than the new master, whose history is in the archive", async () => {
    await using archives = openArchives();
    const archive = join(archives.path, "archive");
    await using group = await createHookGroup({ MSDHA_PG_ARCHIVE: archive });
    const a = await startFirst(group, "a");
    await waitFor(() => group.value("postgresql-backup") !== undefined, { what: "the base backup" });
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    const sender = "SELECT pid FROM pg_stat_replication WHERE application_name = 'b'";
    process.kill(Number(await a.sql(sender)), "SIGSTOP");
    await a.sql("CREATE TABLE not_on_b AS SELECT 1");
    await a.sql("CHECKPOINT");
    await waitFor(() => c.sql("SELECT * FROM not_on_b"), { what: "the table on c" });
    await c.stop("SIGINT");
    await a.stop("SIGKILL");
    await promote(group, b);
    await b.sql("CREATE TABLE t AS SELECT 1");
    await untilArchived(archive, "00000003.history");
    const { exitCode, output } = await c.hook("pre_start");
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output: expect.stringContaining("pg_rewind: Done!"),
    });
    await becomeReady(c);
    expect(await c.sql("SELECT count(*) FROM t")).toBe("1");
    expect(await c.sql("SELECT to_regclass('not_on_b') IS NULL")).toBe("t");
  });

  test("starts a former master alone whose successor is gone, though the archive has a newer timeline", async () => {
    await using archives = openArchives();
    const archive = join(archives.path, "archive");
    await using group = await createHookGroup({ MSDHA_PG_ARCHIVE: archive });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    await waitFor(() => b.sql("SELECT * FROM t"), { what: "the table on b" });
    await a.stop("SIGKILL");
    await promote(group, b);
    await untilArchived(archive, "00000003.history");
    await b.stop("SIGKILL");
    group.setMaster(undefined);
    const { exitCode, output } = await a.hook("pre_start");
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output: expect.stringMatching(
        /^timeline 3 began before the end of these data, and there is no master: .* 2$/m,
      ),
    });
    await becomeReady(a);
    expectSuccess(await a.hook("candidate"));
    await promote(group, a);
    expect(await a.sql("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)")).toBe("00000004");
    // What parted from it is no longer the newest.
    expectSuccess(await b.hookWith({ MSDHA_PG_RECLONE: "yes" }, "pre_start"));
    await becomeReady(b);
    expect(await b.sql("SELECT x FROM t")).toBe("1");
    await a.stop("SIGINT");
    expectSuccess(await a.hook("pre_start"));
    expect(logOf(a).match(/on their own timeline/g)).toHaveLength(1);
  });

  test("rewinds a former master that was started on its own timeline when its successor is back", async () => {
    await using archives = openArchives();
    const archive = join(archives.path, "archive");
    await using group = await createHookGroup({ MSDHA_PG_ARCHIVE: archive });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.stop("SIGKILL");
    await promote(group, b);
    await untilArchived(archive, "00000003.history");
    await b.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    await promote(group, b);
    await b.sql("CREATE TABLE t AS SELECT 1 AS x");
    expect((await a.hook("node_state_change", "PUT", "b", "master")).output).toMatch(
      /^the data hold records/,
    );
    await a.ended;
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a, { master: "b", group });
    expect(await a.sql("SELECT x FROM t")).toBe("1");
    expect(a.folders()).toEqual(["data", "run"]);
  });

  test("gets all of the log that a master had not archived when it crashed, once that is the master again", async () => {
    await using archives = openArchives();
    const archive = join(archives.path, "archive");
    await using group = await createHookGroup({ MSDHA_PG_ARCHIVE: archive, MSDHA_PG_WAL_KEEP: "0" });
    const a = await startFirst(group, "a");
    await waitFor(() => group.value("postgresql-backup") !== undefined, { what: "the base backup" });
    chmodSync(join(archive, "wal"), 0o500);
    await a.sql("CREATE TABLE t (x int)");
    for (let file = 0; file < 8; file += 1) {
      await a.sql(`INSERT INTO t VALUES (${file})`);
      await a.sql("SELECT pg_switch_wal()");
    }
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    const waiting = waitingForArchive(a);
    expect(waiting.length).toBeGreaterThanOrEqual(8);
    chmodSync(join(archive, "wal"), 0o700);
    const back = await a.hook("pre_start");
    expect(back).toEqual({ exitCode: 0, output: expect.stringMatching(/recovering its data first$/) });
    expect(waitingForArchive(a)).toEqual(expect.arrayContaining([...waiting]));
    await becomeReady(a);
    await promote(group, a);
    await waitFor(() => waiting.every((name) => readdirSync(join(archive, "wal")).includes(name)), {
      what: "the log in the archive",
      timeoutMs: 90_000,
    });
  });
});

/** A folder for an archive, which every user may write to. */
function openArchives(): ReturnType<typeof tempDir> {
  const dir = tempDir();
  chmodSync(dir.path, 0o777);
  return dir;
}

/** Resolves when this file of the log is in the archive. */
async function untilArchived(archive: string, file: string): Promise<void> {
  await waitFor(() => readdirSync(join(archive, "wal")).includes(file), { what: `${file} in the archive` });
}

function waitingForArchive(node: HookNode): readonly string[] {
  return readdirSync(join(node.data, "pg_wal/archive_status"))
    .filter((name) => name.endsWith(".ready"))
    .map((name) => name.replace(".ready", ""));
}
