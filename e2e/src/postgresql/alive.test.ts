import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTlsFiles, tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { becomeReady, expectSuccess, joinGroup, logOf, startFirst, takeConnections } from "./stages.ts";

const READY = { MSDHA_STATE: "ready" };

describe.concurrent("the alive hook of a PostgreSQL master", () => {
  test("fails while the server hangs, and kills it when the node would end", async () => {
    await using group = await createHookGroup({ MSDHA_ALIVE_FAILURES: "2" });
    const a = await startFirst(group, "a");
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    expect(await a.hook("alive")).toEqual({ exitCode: 0, output: "" });
    await a.signalServer("SIGSTOP");
    expect(await a.hook("alive")).toEqual({
      exitCode: 1,
      output: "the server does not react to a new connection (1 of 2 times)",
    });
    // One that goes on in time is left alone.
    await a.signalServer("SIGCONT");
    expect(await a.hook("alive")).toEqual({ exitCode: 0, output: "" });
    await a.signalServer("SIGSTOP");
    expect(await a.hook("alive")).toMatchObject({ exitCode: 1 });
    const last = await a.hook("alive");
    expect(last.exitCode).toBe(1);
    expect(last.output).toMatch(/^the server hangs: killed its \d+ processes, so that the node ends now\n/);
    await a.ended;
    group.setMaster(undefined);
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    expect(await a.sql("SELECT x FROM t")).toBe("1");
  });

  test("takes a server for alive that has no free connection, and one whose checkpoint does not end", async () => {
    await using group = await createHookGroup({ MSDHA_ALIVE_FAILURES: "1" });
    const a = await startFirst(group, "a");
    await takeConnections(a);
    const checkpointer = Number(
      await a.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"),
    );
    process.kill(checkpointer, "SIGSTOP");
    expect(await a.hook("alive")).toEqual({ exitCode: 0, output: "" });
    process.kill(checkpointer, "SIGCONT");
  });

  test("drops the slot of a node that is gone for good, and of no other", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SLOT_FORGET: "1" });
    const a = await startFirst(group, "a");
    await a.sql("SELECT pg_create_physical_replication_slot('msdha_retired_1', true)");
    await a.sql("SELECT pg_create_physical_replication_slot('of_somebody_else', true)");
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    const slots = (): Promise<string> =>
      a.sql("SELECT string_agg(slot_name, ' ' ORDER BY slot_name) FROM pg_replication_slots");
    const before = await slots();
    await waitFor(
      async () => {
        await a.hook("alive");
        return (await slots()) !== before;
      },
      { what: "the slot to be dropped" },
    );
    expect(await slots()).toMatch(/^msdha_b_\d+ of_somebody_else$/);
    expect(logOf(a)).toMatch(/dropped the slot msdha_retired_1, as its node has been gone/);
  });

  test("warns of libraries that sort text otherwise than those that the data were made with, on a standby too", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    expect(await a.hook("alive")).toEqual({ exitCode: 0, output: "" });
    await a.sql("UPDATE pg_collation SET collversion = '1.0' WHERE collname = 'und-x-icu'");
    const b = await joinGroup(group, "b");
    await b.hook("alive");
    await waitFor(() => /sorted by other versions than .* \(ICU 1\.0, here [\d.]+\)/.test(logOf(b)), {
      what: "the warning",
    });
    expect((await b.hook("report")).output).toMatch(/collations differ from those of the data$/);
  });

  test("takes over a renewed password without a restart", async () => {
    await using dir = tempDir();
    const file = join(dir.path, "password");
    writeFileSync(file, "first\n");
    await using group = await createHookGroup({
      MSDHA_PG_REPLICATION_PASSWORD: "",
      MSDHA_PG_REPLICATION_PASSWORD_FILE: file,
    });
    const a = await startFirst(group, "a");
    writeFileSync(file, "second\n");
    expectSuccess(await a.hook("alive"));
    const copy = join(a.runDir, "postgresql/pgpass");
    await waitFor(() => readFileSync(copy, "utf8").endsWith(":second\n"), { what: "the new password" });
    expect(logOf(a)).toMatch(/took over renewed secrets: pgpass/);
  });
});

describe.concurrent("the alive hook of PostgreSQL nodes with TLS", () => {
  test("takes over renewed files without a restart, and what streams goes on", async () => {
    await using dir = tempDir();
    await using group = await createHookGroup({
      MSDHA_PG_SSL_CERT: join(dir.path, "server.crt"),
      MSDHA_PG_SSL_KEY: join(dir.path, "server.key"),
      MSDHA_PG_SSL_CA: join(dir.path, "ca.crt"),
    });
    const addresses = ["a", "b", "c"].map((name) => group.node(name).address);
    await createTlsFiles(dir.path, { addresses });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const stream = "SELECT pid FROM pg_stat_replication WHERE application_name = 'b'";
    const before = await a.sql(stream);
    const started = await a.sql("SELECT pg_postmaster_start_time()");
    // Of another authority, which only the new files know.
    await createTlsFiles(dir.path, { addresses });
    for (const node of [a, b]) {
      expectSuccess(await node.hook("alive"));
      await waitFor(() => /took over renewed secrets: tls\.cert, tls\.key, tls\.ca/.test(logOf(node)), {
        what: `the new files on ${node.name}`,
      });
    }
    await joinGroup(group, "c");
    expect(await a.sql(stream)).toBe(before);
    expect(await a.sql("SELECT pg_postmaster_start_time()")).toBe(started);
  });
});

describe.concurrent("the alive hook of a PostgreSQL standby", () => {
  test("ends one that has received nothing for too long, so that it is ready only when it streams again", async () => {
    await using group = await createHookGroup({ MSDHA_PG_STREAM_PATIENCE: "1" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    expect(await b.hookWith(READY, "alive")).toEqual({ exitCode: 0, output: "" });
    await admit(a, false);
    await endStandbys(a);
    await lookUntil(b, () => hasEnded(b));
    expect(logOf(b)).toMatch(
      /receives no log from a \(127\.[\d.]+\): .*refuses the replication user replicator/,
    );
    expect(logOf(b)).toMatch(/has received no log from a for \d+ s \(MSDHA_PG_STREAM_PATIENCE\): ending/);

    await admit(a, true);
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    expect(await a.sql("SELECT application_name FROM pg_stat_replication")).toBe("b");
  });

  test("ends one at once that lacks log which nobody has any more", async () => {
    await using group = await createHookGroup({ MSDHA_PG_WAL_KEEP: "0", MSDHA_PG_SLOT_KEEP: "0" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await admit(a, false);
    await endStandbys(a);
    for (let file = 0; file < 3; file += 1) {
      await a.sql(`CREATE TABLE t${file} AS SELECT 1 AS x`);
      await a.sql("SELECT pg_switch_wal()");
    }
    await a.sql("CHECKPOINT");
    await admit(a, true);
    await lookUntil(b, () => hasEnded(b));
    expect(logOf(b)).toMatch(/a has removed log that this standby still needs: ending/);
    expect((await b.hook("pre_start")).output).toMatch(/^PGDATA: a has removed log/);
  });

  test("leaves one alone while there is no master, and says when its replay is paused", async () => {
    await using group = await createHookGroup({ MSDHA_PG_STREAM_PATIENCE: "0" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.sql("SELECT pg_wal_replay_pause()");
    await lookUntil(b, () => logOf(b).includes("the replay of the log is paused"));
    await b.sql("SELECT pg_wal_replay_resume()");
    await lookUntil(b, () => logOf(b).includes("the replay of the log goes on"));
    await a.stop("SIGINT");
    group.setMaster(undefined);
    const until = performance.now() + 7_000;
    await lookUntil(b, () => performance.now() > until);
    expect(hasEnded(b)).toBe(false);
    expect(logOf(b)).not.toMatch(/receives no log/);
  });
});

/** Whether the replication user may log in. */
async function admit(node: HookNode, may: boolean): Promise<void> {
  await node.sql(`ALTER ROLE replicator ${may ? "LOGIN" : "NOLOGIN"}`);
}

async function endStandbys(node: HookNode): Promise<void> {
  await node.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'replicator'");
}

/** Runs the hook as the backend would, though more often, until something is so. */
async function lookUntil(node: HookNode, done: () => boolean): Promise<void> {
  await waitFor(
    async () => {
      if (done()) return true;
      await node.hookWith(READY, "alive");
      return done();
    },
    { what: "the alive hook to do its work", timeoutMs: 60_000, intervalMs: 500 },
  );
}

function hasEnded(node: HookNode): boolean {
  return !existsSync(join(node.data, "postmaster.pid"));
}
