import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup } from "./hook-node.ts";
import {
  becomeReady,
  expectSuccess,
  inSync,
  joinGroup,
  leaveLogToArchive,
  logOf,
  startFirst,
} from "./stages.ts";

describe.concurrent("PostgreSQL hooks whose files others change", () => {
  test("have commits wait again after somebody has replaced postgresql.conf", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    for (const node of [a, b]) {
      const file = join(node.data, "postgresql.conf");
      writeFileSync(
        file,
        readFileSync(file, "utf8").replace(/^include_if_exists = .*$/m, "work_mem = '9MB'"),
      );
      await node.sql("SELECT pg_reload_conf()");
    }
    await waitFor(async () => (await a.sql("SHOW synchronous_standby_names")) === "", {
      what: "commits that wait for nobody",
    });
    expectSuccess(await a.hookWith({ MSDHA_STATE: "master" }, "alive"));
    expectSuccess(await b.hookWith({ MSDHA_STATE: "ready" }, "alive"));
    await waitFor(async () => (await a.sql("SHOW synchronous_standby_names")) === 'ANY 1 ("b")', {
      what: "commits that wait for b again",
    });
    await waitFor(() => /postgresql.conf did not include msdha.conf any more/.test(logOf(b)), {
      what: "the line of b",
    });
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    expect(await b.sql("SELECT x FROM t")).toBe("1");
    expect(await a.sql("SHOW work_mem")).toBe("9MB");
  });

  test("start data without a postgresql.auto.conf", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await a.stop("SIGINT");
    group.setMaster(undefined);
    rmSync(join(a.data, "postgresql.auto.conf"));
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
  });

  test("let a standby restore by a command of its own what the master has removed", async () => {
    await using place = tempDir();
    chmodSync(place.path, 0o777);
    await using group = await createHookGroup({ MSDHA_PG_WAL_KEEP: "0", MSDHA_PG_SLOT_KEEP: "0" });
    group.node("a", { MSDHA_PG_ARCHIVE: place.path });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.sql(`ALTER SYSTEM SET restore_command = 'sleep 2; cp "${place.path}/wal/%f" "%p"'`);
    await b.stop("SIGINT");
    await leaveLogToArchive(a);
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    expect(await b.sql("SELECT x FROM t2")).toBe("1");
  });

  test("restore their own base backups only, and the newest by its log", async () => {
    await using place = tempDir();
    chmodSync(place.path, 0o777);
    await using group = await createHookGroup({ MSDHA_PG_ARCHIVE: place.path });
    const a = await startFirst(group, "a");
    await waitFor(() => logOf(a).includes("made the base backup "), { what: "the backup" });
    const [, label = ""] = /made the base backup (\S+)/.exec(logOf(a)) ?? [];
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    // Somebody's own, and one of a clock that was far ahead.
    mkdirSync(join(place.path, "base/zz-before-the-upgrade"));
    const ahead = join(place.path, "base/00000002-29990101T000000Z");
    mkdirSync(ahead);
    writeFileSync(
      join(ahead, "backup_label"),
      "START WAL LOCATION: 0/1000028 (file 000000010000000000000001)\n",
    );
    const b = group.node("b");
    const restored = await b.hook("pre_start");
    expectSuccess(restored);
    expect(restored.output).toContain(`restoring the data from ${join(place.path, "base", label)}`);
  });

  test("run the server on the data of PGDATA, and as a standby, whatever postgresql.conf says", async () => {
    await using place = tempDir();
    chmodSync(place.path, 0o755);
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    // As after an installation of Debian's package: another cluster, which is nobody's standby.
    const other = join(place.path, "main");
    execFileSync("cp", ["-a", b.data, other]);
    rmSync(join(other, "standby.signal"));
    const trigger = join(place.path, "trigger");
    writeFileSync(trigger, "", { mode: 0o644 });
    appendFileSync(
      join(b.data, "postgresql.conf"),
      `\ndata_directory = '${other}'\npromote_trigger_file = '${trigger}'\n`,
    );
    await becomeReady(b);
    expect(await b.sql("SHOW data_directory")).toBe(b.data);
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    await waitFor(() => b.sql("SELECT x FROM t"), { what: "the table on b" });
    expect(await b.sql("SELECT pg_is_in_recovery()")).toBe("t");
  });
});
