import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup } from "./hook-node.ts";
import { becomeReady, joinGroup, startFirst } from "./stages.ts";

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
