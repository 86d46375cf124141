import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookGroup, type HookNode } from "./hook-node.ts";
import {
  becomeReady,
  expectSuccess,
  hookProcesses,
  joinGroup,
  logOf,
  partNodes,
  promote,
  startFirst,
} from "./stages.ts";

describe.concurrent("a PostgreSQL standby that has fallen behind", () => {
  test("is no candidate when it lacks more of the master's log than MSDHA_PG_MAX_LAG", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    using _ = await stopReceiving(b);
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 120000)");
    await untilPositionIsWritten(group, a);
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    const { exitCode, output } = await b.hook("candidate");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^lacks \d+ MB of what a had, more than MSDHA_PG_MAX_LAG \(1 MB\): waiting for/);
    // That is for data from an archive only.
    const promoteArchive = await b.hookWith({ MSDHA_PG_ARCHIVE_PROMOTE: "yes" }, "candidate");
    expect(promoteArchive).toEqual({ exitCode: 1, output });
    expectSuccess(await b.hookWith({ MSDHA_PG_MAX_LAG: "infinity" }, "candidate"));

    // The master itself has it all.
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    expectSuccess(await a.hook("candidate"));
  });

  test("is no candidate after a planned stop when it lacks what the master wrote at last", async () => {
    await using group = await createHookGroup({ MSDHA_PG_STOP_WAIT: "0", MSDHA_PG_WAL_SENDER_TIMEOUT: "1" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await waitFor(() => group.value("postgresql-position") !== undefined, { what: "the master's position" });
    const before = group.value("postgresql-position") ?? "";
    using _ = await stopReceiving(b);
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 120000)");
    expectSuccess(await a.hook("pre_stop"));
    await a.stop("SIGINT");
    // As if it had come to an end within the second.
    group.setValue("postgresql-position", before);
    const { exitCode, output } = await a.hook("stopped");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^no ready standby has received everything: no hand-over .*; b lacks \d+ MB$/);
    group.setMaster(undefined);
    expect((await b.hook("candidate")).output).toMatch(
      /^lacks \d+ MB of what a had, more than MSDHA_PG_MAX_LAG/,
    );
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    expectSuccess(await a.hook("candidate"));
  });

  test("is no candidate when what it has beyond an older promotion is not the master's", async () => {
    await using group = await createHookGroup();
    const { a, b } = await partNodes(group);
    await b.sql("CREATE TABLE t AS SELECT generate_series(1, 100000)");
    await b.stop("SIGINT");
    group.setMaster(undefined);
    // Of its second timeline there is little to lack.
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    await promote(group, b);
    await b.sql("CREATE TABLE u AS SELECT 1");
    await untilPositionIsWritten(group, b);
    await b.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    const { exitCode, output } = await a.hook("candidate");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^lacks \d+ MB of what b had, more than MSDHA_PG_MAX_LAG/);
  });

  test("is no candidate when its newer timelines are of a history that the group has left", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.stop("SIGINT");
    group.setMaster(undefined);
    await promote(group, b);
    await b.stop("SIGINT");
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    await promote(group, b);
    await untilPositionIsWritten(group, b);
    await b.stop("SIGKILL");
    group.setMaster(undefined);
    // It lacks next to nothing of what b wrote.
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    expectSuccess(await a.hook("candidate"));
    await promote(group, a);
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 100000)");
    await untilPositionIsWritten(group, a);
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    const { exitCode, output } = await b.hook("candidate");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^lacks \d+ MB of what a had, more than MSDHA_PG_MAX_LAG/);
  });

  test("is no candidate while its replay is paused", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.sql("SELECT pg_wal_replay_pause()");
    await a.stop("SIGINT");
    group.setMaster(undefined);
    expect((await b.hook("candidate")).output).toMatch(/^the replay of the log is paused/);
    await b.sql("SELECT pg_wal_replay_resume()");
    expectSuccess(await b.hook("candidate"));
  });

  test("is cloned anew where nobody has the log any more that it lacks, if that is allowed", async () => {
    await using group = await createHookGroup({ MSDHA_PG_WAL_KEEP: "0", MSDHA_PG_SLOT_KEEP: "0" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    for (let file = 0; file < 3; file += 1) {
      await a.sql(`CREATE TABLE t${file} AS SELECT 1 AS x`);
      await a.sql("SELECT pg_switch_wal()");
    }
    await a.sql("CHECKPOINT");
    expectSuccess(await b.hook("pre_start"));
    b.start();
    const ended = await b.hook("running_not_ready");
    expect(ended.exitCode).toBe(1);
    expect(ended.output).toMatch(/a has removed log that this standby still needs/);
    await b.stop("SIGINT");
    const refused = await b.hook("pre_start");
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toMatch(/^PGDATA: a has removed log .*with MSDHA_PG_RECLONE=yes/);
    expectSuccess(await b.hookWith({ MSDHA_PG_RECLONE: "yes" }, "pre_start"));
    await becomeReady(b);
    expect(await b.sql("SELECT x FROM t2")).toBe("1");
    expect(b.folders()).toEqual(["data", expect.stringMatching(/^data\.msdha-old-/), "run"]);
  });
});

describe.concurrent("a PostgreSQL group that lost its power", () => {
  test("starts again where a transaction of many subtransactions was running", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const { cut } = await runManySubtransactions(a);
    await a.sql("CHECKPOINT");
    await a.stop("SIGKILL");
    await cut;
    group.setMaster(undefined);
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    await promote(group, a);
    expect(await a.sql("SELECT to_regclass('half') IS NULL")).toBe("t");
  });
});

describe.concurrent("a PostgreSQL standby that does not know which transactions were running", () => {
  test("says why it does not open without a master, and opens by what the page says", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const { cut } = await runManySubtransactions(a);
    await a.sql("CHECKPOINT");
    const here = await a.sql("SELECT pg_current_wal_lsn()");
    await waitFor(async () => (await b.sql(`SELECT pg_last_wal_replay_lsn() >= '${here}'`)) === "t", {
      what: "the checkpoint on b",
    });
    await b.sql("CHECKPOINT");
    await b.stop("SIGINT");
    await a.stop("SIGKILL");
    await cut;
    group.setMaster(undefined);
    expectSuccess(await b.hook("pre_start"));
    b.start();
    const waiting = b.hook("running_not_ready");
    const line =
      /the server has taken no connections for \d+ s: it has been at the file [0-9A-F]{24} .* A master would tell it\./;
    // It comes after 15 s, or when the server has stood still for 10 s, if that is later.
    await waitFor(() => line.test(logOf(b)), { what: "the line", timeoutMs: 60_000 });
    for (const pid of hookProcesses(b, "running_not_ready")) process.kill(pid);
    await waiting;
    await b.stop("SIGINT");

    rmSync(join(b.data, "standby.signal"));
    const asServer =
      process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];
    const PATH = `${process.env["PATH"]}:/usr/lib/postgresql/15/bin`;
    const words = [...asServer, "postgres", "--single", "-D", b.data, "template1"];
    execFileSync("env", words, { env: { PATH }, input: "", stdio: "pipe" });
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    await promote(group, b);
    expect(await b.sql("SELECT to_regclass('half') IS NULL")).toBe("t");
  });
});

/** Runs a transaction of 100 subtransactions that does not end. Resolves with a promise that resolves when it was cut. */
async function runManySubtransactions(node: HookNode): Promise<{ readonly cut: Promise<void> }> {
  const open = node.sql(`DO $$ BEGIN
    CREATE TABLE half ();
    FOR i IN 1..100 LOOP BEGIN EXECUTE 'CREATE TABLE half' || i || ' ()'; EXCEPTION WHEN OTHERS THEN RAISE; END; END LOOP;
    PERFORM pg_sleep(60);
  END $$`);
  const cut = open.then(
    () => {},
    () => {},
  );
  await waitFor(
    async () =>
      Number(await node.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")) > 0,
    { what: "the transaction to be running" },
  );
  return { cut };
}

/** Resolves when the position that this master writes for the group covers all of its log. */
async function untilPositionIsWritten(group: HookGroup, { name, sql }: HookNode): Promise<void> {
  const end = BigInt(await sql("SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')"));
  const isWritten = (): boolean => {
    const [, bytes = "0", master] = group.value("postgresql-position")?.split(" ") ?? [];
    return master === name && BigInt(bytes) >= end;
  };
  await waitFor(isWritten, { what: `${name} to write its position` });
}

/** Has it receive nothing, as when its slot is lost: from nobody. */
async function stopReceiving(node: HookNode): Promise<Disposable> {
  const receiver = Number(await node.sql("SELECT pid FROM pg_stat_wal_receiver"));
  process.kill(receiver, "SIGSTOP");
  return {
    [Symbol.dispose]() {
      process.kill(receiver, "SIGCONT");
    },
  };
}
