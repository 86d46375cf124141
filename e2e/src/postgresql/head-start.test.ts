import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookGroup, type HookNode } from "./hook-node.ts";
import { expectSuccess, joinGroup, logOf, promote, startFirst } from "./stages.ts";

describe.concurrent("a PostgreSQL group that starts again as a whole", () => {
  test("waits for the node that was its master as long as that starts", async () => {
    await using group = await createHookGroup();
    const b = await loseAll(group);
    group.setState("a", "pre_start");
    b.start();
    let ready = false;
    const becameReady = b.hook("running_not_ready").then((result) => {
      ready = true;
      return result;
    });
    await waitFor(() => logOf(b).includes("waiting for a, which was the master and is pre_start"), {
      what: "the line that b waits",
    });
    expect((await b.hook("report")).output).toMatch(/, waiting for a, which was the master$/);
    // Longer than its TTL of a second.
    expect(ready).toBe(false);
    group.setState("a", "ready");
    expectSuccess(await becameReady);
    expect(logOf(b)).toMatch(/this node lacks at most what a wrote in its last second/);
  });

  test("goes on without it after MSDHA_PG_MASTER_WAIT, and tells and notes how many bytes that costs", async () => {
    await using group = await createHookGroup({ MSDHA_PG_MASTER_WAIT: "3" });
    const b = await loseAll(group, { missing: true });
    group.setState("a", "pre_start");
    b.start();
    expectSuccess(await b.hook("running_not_ready"));
    expect(logOf(b)).toMatch(
      /a, which was the master, is not ready after \d s \(MSDHA_PG_MASTER_WAIT\): going on without it\. this node lacks \d+ kB of what a had/,
    );
    expectSuccess(await b.hook("candidate"));
    await promote(group, b);
    const loss = await waitFor(() => group.value("postgresql-losses"), { what: "the loss to be noted" });
    expect(loss).toMatch(/^\d{4}-[\d-]+T[\d:.]+Z b [1-9]\d{4,5} a$/);
    expect(group.value("history-notes")).toMatch(
      /^1 lost \d+ kB \([1-9]\d{4,5} bytes\) of the log that a had$/,
    );
    expect(logOf(b)).toMatch(/promoted without \d+ kB \([1-9]\d{4,5} bytes\) of the log that a had/);
  });

  test("waits no longer than a TTL where the former master's node is gone", async () => {
    await using group = await createHookGroup();
    const b = await loseAll(group);
    group.setState("a", "ready");
    b.start();
    expectSuccess(await b.hook("running_not_ready"));
    expect(logOf(b)).not.toMatch(/waiting for a, which was the master/);
    expectSuccess(await b.hook("candidate"));
    await promote(group, b);
    await waitFor(() => group.value("postgresql-position")?.startsWith("3 "), {
      what: "b to tell where it is",
    });
    expect(group.value("postgresql-losses")).toBeUndefined();
  });
});

/** Has a group of the master a and the standby b lose its power. `missing`: b lacks some of what a said it had. */
async function loseAll(group: HookGroup, { missing = false } = {}): Promise<HookNode> {
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  if (missing) {
    await b.stop("SIGKILL");
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 5000)");
  }
  const end = BigInt(await a.sql("SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')"));
  await waitFor(() => BigInt(group.value("postgresql-position")?.split(" ")[1] ?? 0) >= end, {
    what: "a to tell how far it is",
  });
  if (!missing) {
    await waitFor(async () => (await b.hook("report")).output.startsWith("0 "), { what: "b to have it" });
    await b.stop("SIGKILL");
  }
  await a.stop("SIGKILL");
  group.setMaster(undefined);
  expectSuccess(await b.hook("pre_start"));
  return b;
}
