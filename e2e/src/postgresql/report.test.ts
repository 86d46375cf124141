import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { joinGroup, promote, startFirst } from "./stages.ts";

describe.concurrent("the report hook of a PostgreSQL node", () => {
  test("says how far behind the node is, whom it follows, and who follows it", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    expect(await reportOf(a)).toBe("0 no standby streams");
    const b = await joinGroup(group, "b");
    expect(await reportOf(a)).toBe("0 feeds b");
    await reports(b, /^0 streams from a$/);

    await b.sql("SELECT pg_wal_replay_pause()");
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 100000)");
    // More than three million bytes, which it has, and does not show.
    await reports(b, /^[3-9]\d{6} replay paused, streams from a$/);
    await b.sql("SELECT pg_wal_replay_resume()");
    await reports(b, /^0 streams from a$/);

    await a.stop("SIGKILL");
    await reports(b, /^- receives nothing from a$/);
    group.setMaster(undefined);
    await reports(b, /^- no master; has the log up to 0\/[0-9A-F]+ of timeline 2$/);
    expect((await a.hookWith({ MSDHA_STATE: "pre_start" }, "report")).output).toBe(
      "- the server does not run yet",
    );
    await promote(group, b);
    expect(await reportOf(b)).toBe("0 no standby streams");
  });

  test("asks the master where the node receives nothing from it", async () => {
    await using group = await createHookGroup({ MSDHA_PG_WAL_SENDER_TIMEOUT: "1" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const receiver = Number(await b.sql("SELECT pid FROM pg_stat_wal_receiver"));
    process.kill(receiver, "SIGSTOP");
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 100000)");
    await reports(b, /^[3-9]\d{6} receives nothing from a$/);
    process.kill(receiver, "SIGCONT");
    await reports(b, /^0 streams from a$/);
  });

  test("says how far a clone is", async () => {
    await using group = await createHookGroup({ MSDHA_PG_CLONE_MAX_RATE: "8M" });
    await startFirst(group, "a");
    const b = group.node("b");
    const cloned = b.hook("pre_start");
    await reports(b, /^- cloning [1-9]\d? % from a$/);
    expect((await cloned).output).toMatch(/^cloning the data of a \(127\.[\d.]+\)$/);
    await reports(b, /^- the server is starting or stopping$/);
  });
});

async function reportOf(node: HookNode): Promise<string> {
  const { exitCode, output } = await node.hook("report");
  expect({ exitCode, output }).toEqual({ exitCode: 0, output: expect.any(String) });
  return output;
}

async function reports(node: HookNode, expected: RegExp): Promise<void> {
  await waitFor(async () => expected.test(await reportOf(node)), {
    what: `the report to match ${expected}`,
    timeoutMs: 30_000,
    intervalMs: 200,
  });
}
