import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { startRunningGroup } from "./running-group.ts";
import { send } from "./server-processes.ts";
import { joinGroup, startFirst } from "./stages.ts";

const settings = { MSDHA_PG_RESTART_FIRST: "20" };

describe.concurrent("with MSDHA_PG_RESTART_FIRST", () => {
  test("a master that crashes is started where it was, and another node takes over when it crashes again", async () => {
    await using running = await startRunningGroup(settings);
    const { master } = running;
    const postmaster = (): Promise<string> =>
      running.sql(master, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)");
    process.kill(Number(await postmaster()), "SIGKILL");
    await waitFor(async () => (await running.log(master)).includes("the server is back as the master"), {
      what: "the server to be back",
      timeoutMs: 30_000,
    });
    await running.served();
    expect(running.master).toBe(master);
    expect(await running.missingRows()).toBe(0);

    process.kill(Number(await postmaster()), "SIGKILL");
    await running.masterAfter(master);
    await running.whole();
  });

  test("a process of the server may crash, too; one that hangs, and a standby, are not started again", async () => {
    await using group = await createHookGroup(settings);
    const a = await startFirst(group, "a");
    await a.sql("CREATE TABLE t AS SELECT 1");
    const started = (): Promise<string | undefined> =>
      a.sql("SELECT pg_postmaster_start_time()").catch(() => undefined);
    const before = await started();
    await crash(a);
    // The one that crashes still takes a connection for a moment.
    await waitFor(async () => ![undefined, before].includes(await started()), {
      what: "the server to be back",
    });
    expect(await a.sql("SELECT pg_is_in_recovery()")).toBe("f");
    expect(await a.sql("SELECT count(*) FROM t")).toBe("1");
    const b = await joinGroup(group, "b");
    await crash(b);
    await b.ended;

    await a.signalServer("SIGSTOP");
    for (let run = 0; run < 3; run += 1) expect(await a.hook("alive")).toMatchObject({ exitCode: 1 });
    await a.ended;
  });

  test("a server that is stopped is not started again", async () => {
    await using group = await createHookGroup(settings);
    const a = await startFirst(group, "a");
    expect(await a.hook("pre_stop")).toMatchObject({ exitCode: 0 });
    await a.stop("SIGINT");
    expect(await a.hook("stopped")).toEqual({ exitCode: 0, output: "" });
  });

  test("is refused where commits wait for a standby", async () => {
    await using group = await createHookGroup({ ...settings, MSDHA_PG_SYNC: "strict" });
    expect(await group.node("a").hook("pre_start")).toEqual({
      exitCode: 1,
      output:
        "MSDHA_PG_RESTART_FIRST: expected 0, since MSDHA_PG_SYNC is strict and another node takes over without a loss, got 20",
    });
  });
});

async function crash(node: HookNode): Promise<void> {
  const pid = await node.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'");
  send(Number(pid), "SIGKILL");
}
