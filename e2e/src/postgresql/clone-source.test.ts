import { existsSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookGroup, type HookNode } from "./hook-node.ts";
import { becomeReady, expectSuccess, joinGroup, partNodes, promote, startFirst } from "./stages.ts";

const fromStandby = { MSDHA_PG_CLONE_FROM: "standby" };

describe.concurrent("a new PostgreSQL node that clones from a standby", () => {
  test("has its data, and streams from the master", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS x");
    await joinGroup(group, "b");
    const c = group.node("c", fromStandby);
    const { exitCode, output } = await c.hook("pre_start");
    expect({ exitCode, output }).toMatchObject({
      exitCode: 0,
      output: expect.stringMatching(/^cloning the data of b \(/m),
    });
    await a.sql("INSERT INTO t VALUES (1001)");
    await becomeReady(c);
    expect(await c.sql("SELECT max(x) FROM t")).toBe("1001");
    expect(await c.sql("SELECT sender_host FROM pg_stat_wal_receiver")).toBe(a.address);
    expect(await a.sql("SELECT count(*) FROM pg_replication_slots WHERE active")).toBe("2");
  });

  test("clones from the master where no standby has enough", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.sql("SELECT pg_wal_replay_pause()");
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS x");
    await a.sql("SELECT pg_switch_wal()");
    await a.sql("CHECKPOINT");
    const { output } = await group.node("c", fromStandby).hook("pre_start");
    expect(output).toMatch(/^no ready standby has enough to be cloned/m);
    expect(output).toMatch(/^cloning the data of a \(/m);
    await waitFor(() => b.sql("SELECT pg_wal_replay_resume()").then(() => true), { what: "b to go on" });
  });
});

describe.concurrent("a clone that was not started when another master took over", () => {
  test("is made anew where that master's timeline began before the clone", async () => {
    await using group = await createHookGroup();
    const { b } = await partNodes(group, {
      beforeKill: async () => expectSuccess(await group.node("c").hook("pre_start")),
    });
    await isMadeAnew(group, b);
  });

  test("is made anew where that master's timeline began while it was made", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = group.node("c");
    const cloning = c.hookWith({ MSDHA_PG_CLONE_MAX_RATE: "5M" }, "pre_start");
    await waitFor(() => existsSync(join(`${c.data}.msdha-new`, "data", "base")), {
      what: "a clone on its way",
    });
    const sender = "SELECT pid FROM pg_stat_replication WHERE application_name = 'b'";
    process.kill(Number(await a.sql(sender)), "SIGSTOP");
    await a.sql("CREATE TABLE only_here AS SELECT generate_series(1, 10000)");
    expectSuccess(await cloning);
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    await promote(group, b);
    await isMadeAnew(group, b);
  });

  test("is started where that master has all that it needs", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = group.node("c");
    expectSuccess(await c.hook("pre_start"));
    await a.stop("SIGINT");
    await promote(group, b);
    const { exitCode, output } = await c.hook("pre_start");
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: expect.not.stringContaining("cloning") });
    await becomeReady(c, { master: "b", group });
  });
});

async function isMadeAnew(group: HookGroup, master: HookNode): Promise<void> {
  const c = group.node("c");
  const { exitCode, output } = await c.hook("pre_start");
  expect({ exitCode, output }).toMatchObject({
    exitCode: 0,
    output: expect.stringMatching(
      /^this clone was not started, and b may not have all the log that it needs\n[\s\S]*cloning the data of b /,
    ),
  });
  await becomeReady(c, { master: master.name, group });
  await master.sql("CREATE TABLE t AS SELECT 1");
  await waitFor(() => c.sql("SELECT count(*) FROM t").then((rows) => rows === "1"), { what: "the row on c" });
}
