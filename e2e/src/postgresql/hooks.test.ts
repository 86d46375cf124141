import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookGroup, type HookNode } from "./hook-node.ts";
import {
  becomeReady,
  expectSuccess,
  hookProcesses,
  joinGroup,
  killHook,
  partTimelines,
  promote,
  signalHelper,
  startFirst,
} from "./stages.ts";

describe.concurrent("a group of PostgreSQL nodes", () => {
  test("has one node that initialises the data; the others clone them and stream", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    await waitFor(() => b.sql("SELECT x FROM t"), { what: "the table on b" });
    expect(await a.sql("SELECT application_name FROM pg_stat_replication")).toBe("b");
    expect(await b.sql("SHOW data_checksums")).toBe("on");
    expect(await a.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'replicator'")).toBe("f");
    expect(await a.sql("SELECT count(*) FROM pg_replication_slots WHERE active")).toBe("1");
    expect(b.folders()).toEqual(["data", "run"]);
  });

  test("loses nothing in a planned stop, and the former master comes back without a rewind", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS x");
    expectSuccess(await a.hook("pre_stop"));
    await a.stop("SIGINT");
    expectSuccess(await a.hook("stopped"));
    await promote(group, b);
    expect(await b.sql("SELECT count(*) FROM t")).toBe("1000");
    const back = await a.hook("pre_start");
    expect(back.output).toMatch(/no rewind required/);
    await becomeReady(a);
    expect(await b.sql("SELECT application_name FROM pg_stat_replication")).toBe("a");
  });

  test("lets a standby follow a new master without a restart", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    const before = await c.sql("SELECT pg_postmaster_start_time()");
    await a.stop("SIGINT");
    await promote(group, b);
    expectSuccess(await c.hook("node_state_change", "PUT", "b", "master"));
    expect(await b.sql("SELECT application_name FROM pg_stat_replication")).toBe("c");
    expect(await c.sql("SELECT pg_postmaster_start_time()")).toBe(before);
  });

  test("rewinds a crashed master that has rows which nobody else has", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    await a.sql("CREATE TABLE only_here AS SELECT 1");
    await a.stop("SIGKILL");
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b, { master: undefined, group });
    await promote(group, b);
    const back = await a.hook("pre_start");
    expectSuccess(back);
    expect(back.output).toMatch(/pg_rewind: Done!/);
    await becomeReady(a);
    expect(await a.sql("SELECT to_regclass('only_here') IS NULL")).toBe("t");
  });

  test("ends a standby that has what the new master lacks, and rewinds it", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await b.stop("SIGINT");
    await a.sql("CREATE TABLE not_on_b AS SELECT 1");
    await waitFor(() => c.sql("SELECT count(*) FROM not_on_b"), { what: "the table on c" });
    await a.stop("SIGKILL");
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b, { master: undefined, group });
    await promote(group, b);
    const change = await c.hook("node_state_change", "PUT", "b", "master");
    expect(change.output).toMatch(/the data hold records that b does not have/);
    await c.ended;
    expect((await c.hook("pre_start")).output).toMatch(/pg_rewind: Done!/);
    await becomeReady(c);
    expect(c.folders()).toEqual(["data", "run"]);
  });

  test("takes the log anew where a standby has the first half of a record that nobody ever finished", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await b.stop("SIGINT");
    await c.sql("SELECT pg_wal_replay_pause()");
    const fileOf = (position: string) => a.sql(`SELECT pg_walfile_name(${position})`);
    const before = await fileOf("pg_current_wal_insert_lsn()");
    // Longer than a file of the log.
    await a.sql("SELECT pg_logical_emit_message(false, 'long', repeat('x', 20000000))");
    await a.sql("SELECT pg_switch_wal()");
    const received = "SELECT pg_last_wal_receive_lsn()";
    const end = await a.sql("SELECT pg_current_wal_lsn()");
    await waitFor(async () => (await c.sql(`SELECT (${received}) >= '${end}'`)) === "t", {
      what: "c to have it",
    });
    await a.stop("SIGKILL");
    await c.stop("SIGINT");
    const log = join(c.data, "pg_wal");
    const rest = readdirSync(log).filter((name) => /^[0-9A-F]{24}$/.test(name) && name > before);
    expect(rest.length).toBeGreaterThan(0);
    for (const file of rest) rmSync(join(log, file));

    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b, { master: undefined, group });
    expectSuccess(await c.hook("pre_start"));
    await becomeReady(c);
    await promote(group, b);
    const change = await c.hook("node_state_change", "PUT", "b", "master");
    expect(change.output).toMatch(/the data hold records that b does not have/);
    await c.ended;
    const back = await c.hook("pre_start");
    expect(back.output).toMatch(new RegExp(`${before}, in which the history of b left ours, is kept in `));
    await becomeReady(c);
    await b.sql("CREATE TABLE t AS SELECT 1 AS x");
    await waitFor(() => c.sql("SELECT x FROM t"), { what: "the table on c" });
  });

  test("keeps data that can't be rewound aside, and clones anew only where that is allowed", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    await a.sql("CREATE TABLE only_here AS SELECT 1");
    await a.stop("SIGINT");
    const log = join(a.data, "pg_wal");
    for (const file of readdirSync(log).filter((name) => name.startsWith("00000002")))
      rmSync(join(log, file));
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b, { master: undefined, group });
    await promote(group, b);
    const refused = await a.hook("pre_start");
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toMatch(/pg_rewind can't make the data fit.*with MSDHA_PG_RECLONE=yes/);
    expect(a.folders()).toContain("data");
    expectSuccess(await a.hookWith({ MSDHA_PG_RECLONE: "yes" }, "pre_start"));
    await becomeReady(a);
    expect(a.folders()).toEqual(["data", expect.stringMatching(/^data\.msdha-old-/), "run"]);
  });

  test("does not take two timelines of one number for the same", async () => {
    await using group = await createHookGroup();
    const { b, c } = await promoteTwins(group);
    expect(await c.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")).toMatch(/^00000003/);
    const refused = await b.hook("pre_start");
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toMatch(/this node and c have different timelines of the same number/);
    expectSuccess(await b.hookWith({ MSDHA_PG_RECLONE: "yes" }, "pre_start"));
    await becomeReady(b);
    expect(await b.sql("SELECT to_regclass('only_here') IS NULL")).toBe("t");
  });

  test("tells two timelines of one number apart also when the other one has ended since", async () => {
    await using group = await createHookGroup();
    const { b, c } = await promoteTwins(group);
    // c's timeline ends as well.
    await c.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)");
    await c.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await c.hook("pre_start"));
    await becomeReady(c, { master: undefined, group });
    await promote(group, c);
    await c.sql("CHECKPOINT");
    const fileOf = "SELECT pg_walfile_name(pg_current_wal_lsn())";
    expect(await c.sql(fileOf)).toMatch(/^00000004/);
    const refused = await b.hook("pre_start");
    expect(refused.output).toMatch(/this node and c have different timelines of the same number/);
    expect(refused.exitCode).toBe(1);
    expectSuccess(await b.hookWith({ MSDHA_PG_RECLONE: "yes" }, "pre_start"));
    await becomeReady(b);
    expect(await b.sql("SELECT to_regclass('only_here') IS NULL")).toBe("t");
    expect(await b.sql("SELECT count(*) FROM t")).toBe("1000");
  });

  test("does not let a node that followed the one of them follow the other", async () => {
    await using group = await createHookGroup({ MSDHA_PG_RECLONE: "yes" });
    const { b, c, d } = await partTimelines(group);
    expect(await c.sql("SELECT pg_walfile_name(pg_current_wal_lsn())")).toMatch(/^00000003/);
    expect(await d.sql("SELECT max(left(name, 8)) FROM pg_ls_waldir() WHERE name ~ '^0'")).toBe("00000003");

    const change = await d.hook("node_state_change", "PUT", "c", "master");
    expect(change.output).toMatch(/the data hold records that c does not have/);
    await d.ended;
    expect((await d.hook("pre_start")).output).toMatch(/this node and c have different timelines/);
    await becomeReady(d);
    expect(await d.sql("SELECT count(*) FROM other")).toBe("1000");
    // The same where the node was not running when the master changed.
    await d.stop("SIGINT");
    expect((await d.hook("pre_start")).output).toBe("");
    expect((await b.hook("pre_start")).output).toMatch(/this node and c have different timelines/);
  });

  test("does not rewind a standby whose control file still names a timeline that both have", async () => {
    await using group = await createHookGroup({ MSDHA_PG_RECLONE: "yes" });
    let checkpointer = 0;
    const { d } = await partTimelines(group, {
      before: async (node) => {
        const pid = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
        checkpointer = Number(await node.sql(pid));
        process.kill(checkpointer, "SIGSTOP");
      },
    });
    process.kill(checkpointer, "SIGKILL");
    await d.ended;
    const { output } = await d.hook("pre_start");
    expect(output).toMatch(/this node and c have different timelines/);
    expect(output).not.toMatch(/pg_rewind/);
    await becomeReady(d);
    expect(await d.sql("SELECT count(*) FROM other")).toBe("1000");
  });

  test("makes a clone that was cut short again", async () => {
    await using group = await createHookGroup();
    await startFirst(group, "a");
    const b = group.node("b");
    const left = join(b.data, "..", "data.msdha-new");
    mkdirSync(join(left, "data", "global"), { recursive: true });
    for (const file of ["msdha-temporary", "data/PG_VERSION", "data/global/pg_control"])
      writeFileSync(join(left, file), "");
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    expect(b.folders()).toEqual(["data", "run"]);
  });

  test("hands over only when a clean stop left a ready standby with everything", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    expectSuccess(await a.hook("pre_stop"));
    await a.stop("SIGKILL");
    expect(await a.hook("stopped")).toEqual({
      exitCode: 1,
      output: "not a clean shutdown (in production): no hand-over",
    });
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a, { master: undefined, group });
    await promote(group, a);

    // The only node of the group.
    expectSuccess(await a.hook("pre_stop"));
    await a.stop("SIGINT");
    expect(await a.hook("stopped")).toEqual({ exitCode: 0, output: "" });

    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a, { master: undefined, group });
    await promote(group, a);
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    await a.sql("CREATE TABLE not_on_b AS SELECT 1");
    expectSuccess(await a.hook("pre_stop"));
    await a.stop("SIGINT");
    group.setMaster(undefined);
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    const refused = {
      exitCode: 1,
      output: expect.stringMatching(
        /^no ready standby has received everything: no hand-over \(MSDHA_PG_HANDOVER\); b lacks \d+ kB$/,
      ),
    };
    // It has the lock until it is done.
    group.setMaster("a");
    expect(await a.hook("stopped")).toEqual(refused);
    expect(await a.hookWith({ MSDHA_PG_HANDOVER: "clean" }, "stopped")).toEqual({ exitCode: 0, output: "" });
  });

  test("starts one process for a hook that the helper answers", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    for (const hook of ["candidate", "pre_stop", "report"]) {
      signalHelper(a, "SIGSTOP");
      const running = a.hook(hook);
      await waitFor(() => commandsOf(a, hook).join() === "msdha-guard", {
        what: `${hook} to be one process`,
      });
      signalHelper(a, "SIGCONT");
      await running;
    }
  });

  test("leaves nothing that runs when a node has stopped", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    expectSuccess(await a.hook("pre_stop"));
    await a.stop("SIGINT");
    // As a node does before its `stopped` hook.
    await killHook(a, "pre_start");
    expect(await a.hook("stopped")).toEqual({ exitCode: 0, output: "" });
    expect(hookProcesses(a, "stopped")).toEqual([]);
  });
});

/** The names of the processes that run for a hook. */
function commandsOf(node: HookNode, hook: string): readonly string[] {
  return hookProcesses(node, hook).map((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim());
}

/** b is promoted, and gone before c has heard of it; then c is, at the same place. Both have timelines of one number. */
async function promoteTwins(group: HookGroup): Promise<{ readonly b: HookNode; readonly c: HookNode }> {
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  const c = await joinGroup(group, "c");
  await a.stop("SIGINT");
  await promote(group, b);
  await b.sql("CREATE TABLE only_here AS SELECT 1");
  await b.stop("SIGINT");
  await promote(group, c);
  return { b, c };
}
