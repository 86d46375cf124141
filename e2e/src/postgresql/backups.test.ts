import { readdirSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { backUpWith, openFolder, pgBackRestIn } from "./pgbackrest.ts";
import { becomeReady, expectSuccess, joinGroup, logOf, promote, startFirst } from "./stages.ts";

const MASTER = { MSDHA_STATE: "master" };

describe.concurrent("the backups of a PostgreSQL group", () => {
  test("are made again and again, and leave no more log in the archive than is of use", async () => {
    await using place = openFolder();
    const archive = join(place.path, "archive");
    await using group = await createHookGroup({
      MSDHA_PG_ARCHIVE: archive,
      MSDHA_PG_ARCHIVE_KEEP: "1",
      MSDHA_PG_ARCHIVE_KEEP_TIME: "0",
      MSDHA_PG_BACKUP_INTERVAL: "2",
    });
    const a = await startFirst(group, "a");
    await backupOf(a, 1);
    const first = await a.sql("SELECT pg_walfile_name(pg_switch_wal())");
    await archived(archive, first);
    await lookUntil(a, () => backupCount(a) >= 2 && !readdirSync(join(archive, "wal")).includes(first));
    await waitFor(
      () => readdirSync(join(archive, "base")).filter((name) => !name.startsWith(".")).length === 1,
      {
        what: "one base backup to be left",
      },
    );
    expect(group.value("postgresql-backup")).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z 00000002-\d{8}T\d{6}Z$/);
  });

  test("lead a new group back to before a DROP TABLE, also after two failovers", async () => {
    await using place = openFolder();
    const archive = join(place.path, "archive");
    await using group = await createHookGroup({ MSDHA_PG_ARCHIVE: archive, MSDHA_PG_ARCHIVE_KEEP: "1" });
    const a = await startFirst(group, "a");
    await backupOf(a, 1);
    const b = await joinGroup(group, "b");
    await a.sql("CREATE TABLE precious AS SELECT generate_series(1, 1000)");
    const time = await secondAfter(a);
    await a.sql("DROP TABLE precious");
    await archived(archive, await a.sql("SELECT pg_walfile_name(pg_switch_wal())"));
    await failOver(group, a, b);
    await backupOf(b, 1);
    await failOver(group, b, a);
    await backupOf(a, 2);

    await using other = await createHookGroup({
      MSDHA_PG_INITDB_COMMAND: `msdha-postgresql restore-archive ${archive} "${time}"`,
      MSDHA_PG_REPLICATION_PASSWORD: "another one",
    });
    const c = other.node("c");
    const made = await c.hook("pre_start");
    expect(made).toEqual({
      exitCode: 0,
      output: expect.stringMatching(/^making the group's data by .*\nrestoring .*\/base\/00000002-/),
    });
    await becomeReady(c);
    await promote(other, c);
    expect(await c.sql("SELECT count(*) FROM precious")).toBe("1000");
    // Its replication user has the new group's password.
    const d = await joinGroup(other, "d");
    expect(await d.sql("SELECT count(*) FROM precious")).toBe("1000");
    expect(await d.sql("SHOW restore_command")).toBe("");
  });

  test("say why they can't lead back, and leave no data", async () => {
    await using place = openFolder();
    const archive = join(place.path, "archive");
    await using group = await createHookGroup({ MSDHA_PG_ARCHIVE: archive });
    const a = await startFirst(group, "a");
    await backupOf(a, 1);
    await a.stop("SIGINT");
    group.setMaster(undefined);
    await using other = await createHookGroup();
    const c = other.node("c");
    const restore = (time: string) =>
      c.hookWith(
        { MSDHA_PG_INITDB_COMMAND: `msdha-postgresql restore-archive ${archive} "${time}"` },
        "pre_start",
      );
    expect((await restore("yesterday")).output).toMatch(
      /MSDHA_PG_INITDB_COMMAND ended with exit code 2: expected a time such as .*, got yesterday$/,
    );
    expect((await restore("2001-01-01 00:00:00")).output).toMatch(
      /has no backup that was finished before 2001-01-01 00:00:00 UTC$/,
    );
    const future = await restore("2999-01-01 00:00:00");
    expect(future.exitCode).toBe(1);
    expect(future.output).toMatch(/could not be recovered: .*recovery ended before .*target was reached$/);
    expect(c.folders()).not.toContain("data");
  });
});

describe.concurrent("the backup commands of a PostgreSQL group", () => {
  test("are tried again when they fail, and the log says why", async () => {
    await using group = await createHookGroup({ MSDHA_PG_BACKUP_COMMAND: "echo no room >&2; exit 3" });
    const a = await startFirst(group, "a");
    await waitFor(
      () =>
        /the base backup failed and will be tried again in 1 min: MSDHA_PG_BACKUP_COMMAND ended with exit code 3: no room/.test(
          logOf(a),
        ),
      { what: "the failure in the log" },
    );
    expect(group.value("postgresql-backup")).toBeUndefined();
  });

  test.each([
    [
      { MSDHA_PG_ARCHIVE: "/a", MSDHA_PG_BACKUP_COMMAND: "true" },
      /^MSDHA_PG_BACKUP_COMMAND: expected none beside/,
    ],
    [{ MSDHA_PG_ARCHIVE_COMMAND: "cp" }, /^MSDHA_PG_ARCHIVE_COMMAND: expected %p in it, got cp$/],
    [{ MSDHA_PG_RESTORE_COMMAND: "cp %p" }, /^MSDHA_PG_RESTORE_COMMAND: expected %f in it, got cp %p$/],
    [{ MSDHA_PG_CLONE_COMMAND: "true" }, /^MSDHA_PG_RESTORE_COMMAND: expected a command, since/],
    [{ MSDHA_PG_BACKUP_INTERVAL: "daily" }, /^MSDHA_PG_BACKUP_INTERVAL: expected a duration such as/],
    [{ MSDHA_PG_ARCHIVE_KEEP_TIME: "-1" }, /^MSDHA_PG_ARCHIVE_KEEP_TIME: expected a duration such as/],
  ])("are refused: %j", async (settings, complaint) => {
    await using group = await createHookGroup(settings as Readonly<Record<string, string>>);
    const a = group.node("a");
    const { exitCode, output } = await a.hook("pre_start");
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringMatching(complaint) });
    expect(a.folders()).toEqual(["run"]);
  });

  test("archive, back up, clone and lead back with pgBackRest", async () => {
    await using place = openFolder();
    const tool = pgBackRestIn(place.path);
    await using group = await createHookGroup({
      ...backUpWith(tool),
      MSDHA_PG_CLONE_COMMAND: `${tool} --pg1-path="$PGDATA" restore`,
    });
    const a = await startFirst(group, "a");
    await waitFor(() => group.value("postgresql-backup") !== undefined, {
      what: "a backup",
      timeoutMs: 60_000,
    });
    await a.sql("CREATE TABLE precious AS SELECT generate_series(1, 1000)");
    // A clone comes from the backup; what is newer it gets from the archive and the master.
    const b = await joinGroup(group, "b");
    expect(logOf(b)).toMatch(/cloning the data from a backup \(MSDHA_PG_CLONE_COMMAND\)/);
    expect(logOf(b)).not.toMatch(/no clone from a backup/);
    expect(await b.sql("SELECT count(*) FROM precious")).toBe("1000");
    expectSuccess(await b.hook("candidate"));

    const time = await secondAfter(a);
    await a.sql("DROP TABLE precious");
    await a.sql("SELECT pg_switch_wal()");
    await waitFor(
      async () =>
        (await a.sql(
          "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16777216) FROM pg_stat_archiver",
        )) === "t",
      { what: "the log to be archived" },
    );
    // Without a master a node gets what the archive has.
    await a.stop("SIGKILL");
    await b.stop("SIGKILL");
    group.setMaster(undefined);
    const c = group.node("c");
    const restored = await c.hook("pre_start");
    expectSuccess(restored);
    expect(restored.output).toMatch(/there is no master: restoring the data from a backup/);
    await becomeReady(c);
    await waitFor(async () => (await c.sql("SELECT to_regclass('precious') IS NULL")) === "t", {
      what: "the drop",
    });
    expect((await c.hook("candidate")).output).toMatch(/^the data are from the archive/);

    await using other = await createHookGroup({
      MSDHA_PG_INITDB_COMMAND: `${tool} --pg1-path="$PGDATA" --type=time --target="${time}+00" restore`,
    });
    const d = other.node("d");
    const made = await d.hook("pre_start");
    expectSuccess(made);
    await becomeReady(d);
    await promote(other, d);
    expect(await d.sql("SELECT count(*) FROM precious")).toBe("1000");
    expect(await (await joinGroup(other, "e")).sql("SELECT count(*) FROM precious")).toBe("1000");
  });
});

function backupCount(node: HookNode): number {
  return logOf(node).match(/made the base backup /g)?.length ?? 0;
}

async function backupOf(node: HookNode, count: number): Promise<void> {
  await waitFor(() => backupCount(node) >= count, {
    what: `${count} base backups of ${node.name}`,
    timeoutMs: 60_000,
  });
}

async function archived(archive: string, segment: string): Promise<void> {
  await waitFor(() => readdirSync(join(archive, "wal")).includes(segment), {
    what: `${segment} in the archive`,
  });
}

/** Runs the hook as the backend would, until something is so. */
async function lookUntil(node: HookNode, done: () => boolean): Promise<void> {
  await waitFor(
    async () => {
      await node.hookWith(MASTER, "alive");
      return done();
    },
    { what: "the alive hook to do its work", timeoutMs: 60_000, intervalMs: 500 },
  );
}

/** Resolves with the time in UTC, whole seconds, when the second is over: what was done before is older. */
async function secondAfter(node: HookNode): Promise<string> {
  const time = await node.sql(
    "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC' + interval '1 s', 'YYYY-MM-DD HH24:MI:SS')",
  );
  await waitFor(
    async () =>
      (await node.sql(`SELECT clock_timestamp() > '${time}+00'::timestamptz + interval '0.2 s'`)) === "t",
    { what: "the second to be over" },
  );
  return time;
}

/** A master is gone, another one is promoted, and the former comes back. */
async function failOver(
  group: Awaited<ReturnType<typeof createHookGroup>>,
  from: HookNode,
  to: HookNode,
): Promise<void> {
  await from.stop("SIGINT");
  await promote(group, to);
  expectSuccess(await from.hook("pre_start"));
  await becomeReady(from);
}
