import { chownSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { cutClone } from "./cut-clone.ts";
import { createHookGroup } from "./hook-node.ts";
import { mountSmall } from "./small-disk.ts";
import { becomeReady, expectSuccess, joinGroup, logOf, partNodes, promote, startFirst } from "./stages.ts";

describe.concurrent("a planned stop of a PostgreSQL master", () => {
  test("loses no row with a standby that is slow and far behind, and says what it waits for", async () => {
    await using group = await createHookGroup({
      MSDHA_PG_STOP_WAIT: "1",
      MSDHA_PG_WAL_SENDER_TIMEOUT: "120",
    });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const receiver = Number(await b.sql("SELECT pid FROM pg_stat_wal_receiver"));
    process.kill(receiver, "SIGSTOP");
    using goesOn = new DisposableStack();
    goesOn.defer(() => process.kill(receiver, "SIGCONT"));
    await a.sql("CREATE TABLE t AS SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 60000) AS i");
    const { exitCode, output } = await a.hook("pre_stop");
    expect(exitCode).toBe(0);
    expect(output).toMatch(/no standby has everything after 1 s \(MSDHA_PG_STOP_WAIT\): b lacks \d\d+ MB\./);
    const stopped = a.stop("SIGINT");
    await waitFor(() => /is still shutting down after \d+ s, .*: b lacks \d\d+ MB/.test(logOf(a)), {
      what: "the log to say what the server still sends",
    });
    goesOn.dispose();
    await stopped;
    expect(await a.hook("stopped")).toEqual({ exitCode: 0, output: "" });
    await promote(group, b);
    expect(await b.sql("SELECT count(*) FROM t")).toBe("60000");
  });

  test("loses neither a commit nor a prepared transaction that one of them leaves", async () => {
    await using group = await createHookGroup({ MSDHA_PG_ARGS: "-c max_prepared_transactions=10" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    const long = a.sql("WITH w AS (INSERT INTO t VALUES (2) RETURNING 1) SELECT pg_sleep(600) FROM w");
    const cut = long.then(
      () => "done",
      () => "cut",
    );
    await waitFor(
      async () => (await a.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")) === "1",
      { what: "the long transaction" },
    );
    await a.sql("BEGIN; INSERT INTO t VALUES (3); PREPARE TRANSACTION 'p'");
    expectSuccess(await a.hook("pre_stop"));
    await a.stop("SIGINT");
    expect(await cut).toBe("cut");
    expect(await a.hook("stopped")).toEqual({ exitCode: 0, output: "" });
    await promote(group, b);
    expect(await b.sql("SELECT string_agg(x::text, ' ' ORDER BY x) FROM t")).toBe("1");
    await b.sql("COMMIT PREPARED 'p'");
    expect(await b.sql("SELECT string_agg(x::text, ' ' ORDER BY x) FROM t")).toBe("1 3");
  });
});

describe.concurrent("a planned stop of a PostgreSQL master whose standby is cut off and beside which a node clones", () => {
  test("ends, and hands over nothing", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await using _ = await cutClone(a, group.node("c"), "SIGSTOP");
    await b.signalServer("SIGSTOP");
    await using goesOn = new AsyncDisposableStack();
    goesOn.defer(() => b.signalServer("SIGCONT"));
    await a.sql("CREATE TABLE not_on_b AS SELECT 1");
    expectSuccess(await a.hook("pre_stop"));
    expect(logOf(a)).toMatch(/b lacks \d+ (B|kB)/);
    await a.stop("SIGINT");
    const { exitCode, output } = await a.hook("stopped");
    expect({ exitCode, output }).toEqual({
      exitCode: 1,
      output: expect.stringMatching(/^no ready standby has received everything: no hand-over/),
    });
  });
});

describe.concurrent("a PostgreSQL node that an operator asks to get its data anew", () => {
  test("clones them, and keeps the old ones aside; without a master it keeps them in use", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    const anew = await b.hookWith({ MSDHA_REINIT: "1" }, "pre_start");
    expect(anew.exitCode).toBe(0);
    expect(anew.output).toMatch(/an operator asks that the data are cloned anew from a/);
    expect(b.folders()).toEqual(["data", expect.stringMatching(/^data\.msdha-old-/), "run"]);
    await becomeReady(b);
    await b.stop("SIGINT");
    await a.stop("SIGINT");
    group.setMaster(undefined);
    const refused = await b.hookWith({ MSDHA_REINIT: "1" }, "pre_start");
    expect(refused.exitCode).toBe(0);
    expect(refused.output).toMatch(/no master to clone them from: the old ones stay/);
  });
});

describe.concurrent("a clone of PostgreSQL's data that can't succeed", () => {
  test("is tried less and less often, and the log says why", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    // On the same machine, the folder of a tablespace is in use.
    const folder = join(a.data, "..", "tablespace");
    mkdirSync(folder);
    const { uid, gid } = statSync(a.data);
    chownSync(folder, uid, gid);
    await a.sql(`CREATE TABLESPACE elsewhere LOCATION '${folder}'`);
    const b = group.node("b");
    const cloning = b.hook("pre_start");
    await waitFor(() => logOf(b).includes("will be tried again in 2 s"), { what: "three attempts" });
    const attempts = logOf(b).match(/the clone failed .*/g) ?? [];
    expect(attempts.map((line) => / in ([\d.]+) s: .*exists but is not empty/.exec(line)?.[1])).toEqual([
      "0.5",
      "1",
      "2",
    ]);
    await a.sql("DROP TABLESPACE elsewhere");
    expectSuccess(await cloning);
  });

  test("is not begun for new data while the folder of a tablespace holds the old ones, which stay in use", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    const folder = join(a.data, "..", "tablespace");
    mkdirSync(folder);
    const { uid, gid } = statSync(a.data);
    chownSync(folder, uid, gid);
    await a.sql(`CREATE TABLESPACE elsewhere LOCATION '${folder}'`);
    const { exitCode, output } = await b.hookWith({ MSDHA_REINIT: "1" }, "pre_start");
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output: `an operator asks for new data, but ${folder}, the folder of a tablespace, exists but is not empty: move what is in it elsewhere. The old data stay in use`,
    });
    expect(b.folders()).toEqual(["data", "run"]);
  });

  test.skipIf(process.getuid?.() !== 0)("asks the master for no data that have no room", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    using disk = mountSmall(join(a.data, "..", "..", "small"), "16m");
    const b = group.node("b", { PGDATA: join(disk.path, "data") });
    const cloning = b.hook("pre_start");
    const line =
      /the clone failed and will be tried again in 0\.5 s: \S+\/small has \d+ MB free, and the data take \d+ MB/;
    await waitFor(() => line.test(logOf(b)), { what: "the line" });
    expect(logOf(b)).not.toContain("cloning the data of a");
    disk.enlarge("1g");
    expectSuccess(await cloning);
    expect(logOf(b)).toContain("cloning the data of a");
  });
});

test("a planned stop does not wait for its checkpoint where it may take no time", async () => {
  await using group = await createHookGroup({ MSDHA_PG_CHECKPOINT_TIMEOUT: "0" });
  const a = await startFirst(group, "a");
  const pid = Number(await a.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"));
  process.kill(pid, "SIGSTOP");
  try {
    let over = false;
    const stopped = a.hook("pre_stop").then((result) => {
      over = true;
      return result;
    });
    await waitFor(() => over, { what: "the hook to end", timeoutMs: 10_000 });
    expectSuccess(await stopped);
  } finally {
    process.kill(pid, "SIGCONT");
  }
});

test("a planned stop hands over nothing when the group's nodes could not be read", async () => {
  await using group = await createHookGroup();
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  await b.stop("SIGINT");
  await a.sql("CREATE TABLE not_on_b AS SELECT 1");
  const backend = join(dirname(dirname(a.data)), "bin/msdha-backend");
  renameSync(backend, `${backend}-of-before`);
  group.setProgram(
    "msdha-backend",
    `#!/bin/sh\n[ "$1" != nodes ] || { echo "etcd does not answer" >&2; exit 1; }\nexec ${backend}-of-before "$@"\n`,
  );
  expectSuccess(await a.hook("pre_stop"));
  await a.stop("SIGINT");
  expect(await a.hook("stopped")).toEqual({
    exitCode: 1,
    output:
      "the group's nodes could not be read when the stop began, so what they have is not known: no hand-over",
  });
});

test("a node with more log, but of another history, is no reason to hand over when a master stops", async () => {
  await using group = await createHookGroup();
  const { a, b } = await partNodes(group);
  group.setMaster(undefined);
  expectSuccess(await a.hook("pre_start"));
  await becomeReady(a);
  group.setMaster("b");
  expectSuccess(await b.hook("pre_stop"));
  await b.stop("SIGINT");
  const { exitCode, output } = await b.hook("stopped");
  expect(exitCode).toBe(1);
  expect(output).toMatch(
    /^no ready standby has received everything: no hand-over \(MSDHA_PG_HANDOVER\); a lacks \d+ /,
  );
});
