import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup } from "./hook-node.ts";
import {
  becomeReady,
  expectSuccess,
  inSync,
  joinGroup,
  logOf,
  promote,
  startFirst,
  waitsForStandby,
} from "./stages.ts";

describe.concurrent("PostgreSQL hooks on a site of its own ways", () => {
  test("work with settings of roles and databases that would break them", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    const settings = [
      "default_transaction_isolation = 'serializable'",
      "statement_timeout = '1ms'",
      "lock_timeout = '1ms'",
      "default_transaction_read_only = on",
      "search_path = 'nowhere'",
      "DateStyle = 'German'",
      "role = 'pg_monitor'",
      "idle_session_timeout = '500ms'",
    ];
    const targets = ["DATABASE postgres", "ROLE replicator", "ROLE postgres"];
    const statements = targets.flatMap((target) => settings.map((one) => `ALTER ${target} SET ${one};`));
    await a.sql("REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC");
    await a.sql(`DO $do$ BEGIN ${statements.join(" ")} END $do$`);
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await b.hook("candidate"));
    group.setMaster("b");
    expectSuccess(await b.hook("master"));
    expectSuccess(await a.hook("pre_start"));
    a.start();
    expectSuccess(await a.hook("running_not_ready"));
    await inSync(group, "sync 1 b a");
    for (const { runDir } of [a, b]) {
      expect(readFileSync(join(runDir, "server.log"), "utf8")).not.toContain("idle-session timeout");
    }
  });

  test("acknowledge commits while no standby replays, whatever a standby is to report", async () => {
    await using group = await createHookGroup({
      MSDHA_PG_SYNC: "strict",
      MSDHA_PG_WAL_SENDER_TIMEOUT: "0",
    });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    await b.sql("ALTER SYSTEM SET wal_receiver_status_interval = 0");
    await b.sql("SELECT pg_reload_conf()");
    await b.sql("SELECT pg_wal_replay_pause()");
    // A reload is done by then.
    await b.sql("SELECT pg_sleep(1)");
    const began = Date.now();
    await a.sql("CREATE TABLE t ()");
    // The standby would ask for a sign of life, and give one itself, after half of wal_receiver_timeout (30 s).
    expect(Date.now() - began).toBeLessThan(20_000);
  });

  test("count only nodes of the group as standbys", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const folder = join(a.runDir, "received");
    mkdirSync(folder);
    const port = await a.sql("SHOW port");
    const conninfo = `host=${a.address} port=${port} user=replicator passfile=${join(a.runDir, "postgresql/pgpass")}`;
    const receiver = spawn("/usr/lib/postgresql/15/bin/pg_receivewal", [
      ...["-D", folder, "-d", conninfo, "--synchronous"],
    ]);
    using ended = new DisposableStack();
    ended.defer(() => receiver.kill());
    await waitFor(
      async () => (await a.sql("SELECT application_name FROM pg_stat_replication")) === "pg_receivewal",
      { what: "pg_receivewal to stream" },
    );
    let acknowledged = false;
    const write = a.sql("CREATE TABLE t ()").then(() => {
      acknowledged = true;
    });
    await waitsForStandby(a);
    await a.sql("SELECT pg_sleep(1.5)");
    expect(group.value("postgresql-sync")).toBe("sync 1 a");
    expect(acknowledged).toBe(false);
    await joinGroup(group, "b");
    await write;
    await inSync(group, "sync 1 a b");
  });

  test("promote a standby in spite of a report that holds up its log", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    await waitFor(() => b.sql("SELECT x FROM t"), { what: "the table on b" });
    await b.sql("ALTER SYSTEM SET max_standby_streaming_delay = -1");
    await b.sql("SELECT pg_reload_conf()");
    const report = b.sql("SELECT (SELECT x FROM t), pg_sleep(60)").then(
      () => "done",
      () => "ended",
    );
    await waitFor(
      async () => (await b.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")) === "1",
      { what: "the report to run" },
    );
    await a.sql("DROP TABLE t");
    await a.stop("SIGINT");
    await promote(group, b);
    expect(await report).toBe("ended");
  });

  test("keep to what MSDHA rests on, whatever ALTER SYSTEM says", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    for (const node of [a, b]) {
      await node.sql("ALTER SYSTEM SET restart_after_crash = on");
      await node.sql("ALTER SYSTEM SET hot_standby = off");
      await node.sql("ALTER SYSTEM SET wal_sender_timeout = 0");
      await node.sql("ALTER SYSTEM SET wal_retrieve_retry_interval = '1h'");
      await node.sql("ALTER SYSTEM SET hot_standby_feedback = on");
      await node.sql("ALTER SYSTEM SET recovery_target_time = '2001-01-01 00:00:00+00'");
      await node.sql("SELECT pg_reload_conf()");
    }
    await a.sql("SELECT pg_sleep(1)");
    // With 0 an idle master says nothing for longer than its standbys wait before they take it for a dead connection.
    expect(await a.sql("SHOW wal_sender_timeout")).toBe("6s");
    expect(await b.sql("SHOW wal_retrieve_retry_interval")).toBe("1s");
    await b.stop("SIGINT");
    const { exitCode, output } = await b.hook("pre_start");
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output:
        "removed from postgresql.auto.conf, since MSDHA sets it itself: restart_after_crash, hot_standby, wal_sender_timeout, wal_retrieve_retry_interval, recovery_target_time",
    });
    await becomeReady(b);
    expect(await b.sql("SHOW hot_standby_feedback")).toBe("on");

    const session = a.sql("SELECT pg_sleep(60)").catch(() => "ended");
    const pids = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    await waitFor(async () => Number(await a.sql(pids)) > 0, { what: "the session" });
    process.kill(Number(await a.sql(pids)), "SIGKILL");
    expect(await session).toBe("ended");
    await a.ended;
  });

  test("recover a crash by the settings of MSDHA_PG_ARGS, which the scripts of the first start have too", async () => {
    await using scripts = tempDir();
    chmodSync(scripts.path, 0o755);
    const script = "CREATE TABLE at_first AS SELECT current_setting('max_prepared_transactions') AS x;";
    writeFileSync(join(scripts.path, "1.sql"), script);
    await using group = await createHookGroup({
      MSDHA_PG_ARGS: "-c max_prepared_transactions=10",
      MSDHA_PG_INITDB_DIR: scripts.path,
    });
    const a = group.node("a");
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    await promote(group, a);
    expect(await a.sql("SELECT x FROM at_first")).toBe("10");
    await a.sql("CREATE TABLE t (x int)");
    await a.sql("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'p'");
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    const { exitCode, output } = await a.hook("pre_start");
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output: "the server was the master and crashed, and there is no other: recovering its data first",
    });
    await becomeReady(a);
    await promote(group, a);
    await a.sql("COMMIT PREPARED 'p'");
    expect(await a.sql("SELECT x FROM t")).toBe("1");
  });

  test("promote a standby whose log, as it is replayed, conflicts with every snapshot", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    await waitFor(() => b.sql("SELECT x FROM t"), { what: "the table on b" });
    for (const source of ["streaming", "archive"])
      await b.sql(`ALTER SYSTEM SET max_standby_${source}_delay = -1`);
    await b.sql("SELECT pg_reload_conf()");
    await b.sql("SELECT pg_wal_replay_pause()");
    // Removes a row that each snapshot on b still sees.
    await a.sql("UPDATE t SET x = 2");
    await a.sql("VACUUM t");
    await a.stop("SIGINT");
    await promote(group, b);
    expect(await b.sql("SELECT x FROM t")).toBe("2");
  });

  test("say why a standby whose log is applied later is not ready", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.sql("ALTER SYSTEM SET recovery_min_apply_delay = '1h'");
    await b.sql("SELECT pg_reload_conf()");
    await a.sql("CREATE TABLE t ()");
    await b.stop("SIGINT");
    expectSuccess(await b.hook("pre_start"));
    b.start();
    const ready = b.hook("running_not_ready");
    await waitFor(() => /^recovery_min_apply_delay is 1h: this node is not ready/m.test(logOf(b)), {
      what: "the line",
    });
    await b.sql("ALTER SYSTEM RESET recovery_min_apply_delay");
    await b.sql("SELECT pg_reload_conf()");
    expectSuccess(await ready);
  });

  test("make no new cluster beside data in the volume itself", async () => {
    await using group = await createHookGroup();
    const a = group.node("a");
    writeFileSync(join(a.data, "..", "PG_VERSION"), "15\n");
    const { exitCode, output } = await a.hook("pre_start");
    expect(exitCode).toBe(1);
    expect(output).toMatch(
      /^PGDATA: \S+ itself holds PostgreSQL's data, .* no new cluster is made beside them/,
    );
  });
});
