import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import {
  becomeReady,
  expectSuccess,
  inSync,
  joinGroup,
  killHook,
  logOf,
  promote,
  serverWaitsFor,
  startFirst,
  waitsForStandby,
} from "./stages.ts";

describe.concurrent("a PostgreSQL master whose commits wait for two standbys", () => {
  test("acknowledges nothing that fewer have, and a standby to which enough others answer is promoted", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict", MSDHA_PG_SYNC_NODES: "2" });
    const a = await startFirst(group, "a");
    expect(group.value("postgresql-sync")).toBe("sync:2 1 a");
    const written = a.sql("CREATE TABLE t AS SELECT 1");
    await joinGroup(group, "b");
    await inSync(group, "sync:2 1 a b");
    await waitsForStandby(a);
    const c = await joinGroup(group, "c");
    await written;
    const d = await joinGroup(group, "d");
    await inSync(group, "sync:2 1 a b c d");
    await serverWaitsFor(a, 'ANY 2 ("b", "c", "d")');

    // Two nodes at once, and what was acknowledged is not lost.
    await a.sql("INSERT INTO t VALUES (2)");
    await Promise.all([a.stop("SIGKILL"), c.stop("SIGKILL")]);
    group.setMaster(undefined);
    const b = group.node("b");
    const [ofB, ofD] = await Promise.all([b.hook("candidate"), d.hook("candidate")]);
    expect([ofB.exitCode, ofD.exitCode]).toContain(0);
    const best = ofB.exitCode === 0 && Number(ofB.output) >= Number(ofD.output) ? b : d;
    expect(await best.sql("SELECT count(*) FROM t")).toBe("2");

    // With two more gone nobody knows.
    await d.stop("SIGKILL");
    group.setValue("postgresql-sync", "sync:2 2 a b c d");
    expect(await b.hook("candidate")).toEqual({
      exitCode: 1,
      output: expect.stringMatching(/^can't tell what [cd] has, which was in sync too$/),
    });
  });

  test("goes on with one of them after a while with preferred, and waits for two again", async () => {
    await using group = await createHookGroup({
      MSDHA_PG_SYNC: "preferred",
      MSDHA_PG_SYNC_NODES: "2",
      MSDHA_PG_SYNC_PATIENCE: "1",
    });
    const a = await startFirst(group, "a");
    await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await inSync(group, "sync:2 1 a b c");
    await c.stop("SIGKILL");
    await a.sql("CREATE TABLE t AS SELECT 1");
    await inSync(group, "sync 1 a b");
    await serverWaitsFor(a, 'ANY 1 ("b")');

    expect(await c.hook("pre_start")).toMatchObject({ exitCode: 0 });
    await becomeReady(c, { master: "a", group });
    await inSync(group, "sync:2 1 a b c");
    await serverWaitsFor(a, 'ANY 2 ("b", "c")');
    await a.sql("INSERT INTO t VALUES (2)");
    expect(logOf(a)).toMatch(/commits wait for one of: b c[\s\S]*commits wait for 2 of: b c/);
  });

  test("does not count a standby that has no slot: two connections of it would be two", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict", MSDHA_PG_SYNC_NODES: "2" });
    const a = await startFirst(group, "a");
    await joinGroup(group, "b");
    const c = await joinGroup(group, "c", { MSDHA_PG_SLOT_KEEP: "0", MSDHA_PG_SYNC_NODES: "1" });
    await joinGroup(group, "d");
    await inSync(group, "sync:2 1 a b d");
    await streams(a, c.name);
  });
});

test("counts a standby that got no slot at first as soon as the master has room for one", async () => {
  await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict", MSDHA_PG_SYNC_NODES: "2" });
  const a = await startFirst(group, "a");
  await joinGroup(group, "b");
  const c = await joinGroup(group, "c");
  await inSync(group, "sync:2 1 a b c");
  await c.stop("SIGINT");
  const all = "FROM generate_series(1, current_setting('max_replication_slots')::int - 1) AS i";
  await a.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active");
  await a.sql(`SELECT pg_create_physical_replication_slot('other_' || i) ${all}`);
  expect(await c.hook("pre_start")).toMatchObject({ exitCode: 0 });
  await becomeReady(c, { master: "a", group });
  await streams(a, "c (without slot)");
  const ready = { MSDHA_STATE: "ready" };
  expect(await c.hookWith(ready, "alive")).toMatchObject({ exitCode: 0 });
  await streams(a, "c (without slot)");
  await a.sql(`SELECT pg_drop_replication_slot('other_' || i) ${all}`);
  await waitFor(
    async () => {
      expect(await c.hookWith(ready, "alive")).toMatchObject({ exitCode: 0 });
      return (await streaming(a, "c")) === "1";
    },
    { what: "c to stream under a name that counts", intervalMs: 500 },
  );
  await inSync(group, "sync:2 1 a b c");
});

describe.concurrent("a PostgreSQL master whose node got another name", () => {
  test("is promoted again where it has acknowledged nothing, with all that was acknowledged before", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    await a.sql("CREATE TABLE t AS SELECT 1");
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await b.hook("candidate"));
    group.setMaster("b");
    expectSuccess(await b.hookWith({ MSDHA_FENCING_TOKEN: "2" }, "master"));
    expect(group.value("postgresql-sync")).toBe("sync 2 b");
    await b.stop("SIGKILL");
    group.setMaster(undefined);
    await killHook(b, "pre_start");

    const renamed = group.node("z", { PGDATA: b.data });
    expectSuccess(await renamed.hook("pre_start"));
    await becomeReady(renamed);
    expectSuccess(await renamed.hook("candidate"));
    await promote(group, renamed);
    expect(await renamed.sql("SELECT count(*) FROM t")).toBe("1");
  });

  test("is refused where it may have acknowledged more, and says what to do", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    await Promise.all([a.stop("SIGKILL"), b.stop("SIGKILL")]);
    group.setMaster(undefined);
    await killHook(a, "pre_start");
    const renamed = group.node("z", { PGDATA: a.data });
    expectSuccess(await renamed.hook("pre_start"));
    await becomeReady(renamed);
    expect(await renamed.hook("candidate")).toEqual({
      exitCode: 1,
      output:
        "has the data of a under another name, and an older copy of them may lack commits: start one of b, or give this node the name a again",
    });
  });
});

describe.concurrent("a PostgreSQL standby that is never promoted", () => {
  const never = { MSDHA_PG_PRIORITY: "never" };

  test("acknowledges nothing: it might be the only one that has it", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    await joinGroup(group, "b", never);
    await streams(a, "b (never the master)");
    const written = a.sql("CREATE TABLE t AS SELECT 1");
    await waitsForStandby(a);
    expect(group.value("postgresql-sync")).toBe("sync 1 a");
    await joinGroup(group, "c");
    await written;
    await inSync(group, "sync 1 a c");
  });

  test("is the first node of a group of its own when its site is taken into service", async () => {
    await using first = await createHookGroup();
    const a = await startFirst(first, "a");
    const b = await joinGroup(first, "b", never);
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)");
    await waitFor(() => b.sql("SELECT count(*) FROM t").then((rows) => rows === "1000"), {
      what: "the rows on b",
    });
    await a.stop("SIGKILL");
    expect(await b.hook("candidate")).toMatchObject({ exitCode: 1 });
    await b.stop("SIGINT");

    await using second = await createHookGroup();
    const served = second.node("b", { PGDATA: b.data });
    expect(await served.hook("pre_start")).toMatchObject({ exitCode: 0 });
    await becomeReady(served);
    expect(await served.hook("candidate")).toMatchObject({ exitCode: 0 });
    await promote(second, served);
    const c = await joinGroup(second, "c");
    expect(await c.sql("SELECT count(*) FROM t")).toBe("1000");
  });

  test("is no reason for a master that stops to hand over", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await joinGroup(group, "b", never);
    const c = await joinGroup(group, "c");
    await streams(a, "b (never the master)");
    await c.stop("SIGINT");
    await a.sql("CREATE TABLE not_on_c AS SELECT 1");
    expect(await a.hook("pre_stop")).toMatchObject({ exitCode: 0 });
    await a.stop("SIGINT");
    group.setMaster(undefined);
    expect(await c.hook("pre_start")).toMatchObject({ exitCode: 0 });
    await becomeReady(c);
    group.setMaster("a");
    expect(await a.hook("stopped")).toMatchObject({
      exitCode: 1,
      output: expect.stringMatching(/^no ready standby has received everything: no hand-over .*; c lacks /),
    });
  });
});

async function streams(master: HookNode, name: string): Promise<void> {
  await waitFor(async () => (await streaming(master, name)) === "1", { what: `${name} to stream` });
}

async function streaming(master: HookNode, name: string): Promise<string> {
  return await master.sql(
    `SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND application_name = '${name}'`,
  );
}
