import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import {
  becomeReady,
  expectSuccess,
  inSync,
  joinGroup,
  promote,
  startFirst,
  takeConnections,
} from "./stages.ts";

describe.concurrent("a PostgreSQL node that is asked whether it may be the master", () => {
  test("ranks by what it has received, and by its timeline before all", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await caughtUp(a, ["b", "c"]);
    await c.stop("SIGINT");
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)");
    await caughtUp(a, ["b"]);
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await c.hook("pre_start"));
    await becomeReady(c);
    const received = await rankOf(b);
    expect(received).toBeGreaterThan(await rankOf(c));

    // c is promoted all the same, and ends; its timeline is newer than what b has more.
    await promote(group, c);
    await c.stop("SIGINT");
    group.setMaster(undefined);
    expectSuccess(await c.hook("pre_start"));
    await becomeReady(c);
    expect(await rankOf(c)).toBeGreaterThan(received);
    expect(await rankOf(b)).toBe(received);
  });

  test("lets its priority decide between nodes that have as much, and no others", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await caughtUp(a, ["b", "c"]);
    await a.stop("SIGINT");
    group.setMaster(undefined);
    const rank = async (node: HookNode, priority: string): Promise<number> =>
      Number((await node.hookWith({ MSDHA_PG_PRIORITY: priority }, "candidate")).output);
    const usual = await rankOf(b);
    expect(await rankOf(c)).toBe(usual);
    expect(await rank(b, "normal")).toBe(usual);
    expect(await rank(b, "high")).toBe(usual + 1);
    expect(await rank(b, "low")).toBe(usual - 1);
    expect(await b.hookWith({ MSDHA_PG_PRIORITY: "never" }, "candidate")).toEqual({
      exitCode: 1,
      output: "MSDHA_PG_PRIORITY is never: this node is not to be the master",
    });
  });

  test("says no while its server does not run", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await a.stop("SIGINT");
    expect(await a.hook("candidate")).toEqual({ exitCode: 1, output: "the server does not answer" });
  });

  test("with strict, says no unless it was in sync and has as much as all others that were", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    const c = await joinGroup(group, "c");
    await inSync(group, "sync 1 a b c");
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)");
    await caughtUp(a, ["b", "c"]);
    await a.stop("SIGKILL");
    group.setMaster(undefined);

    // A question from before the promotion of a: a may still be the master.
    const asked = { MSDHA_FENCING_TOKEN: undefined };
    group.setView({ revision: 5, master: { kind: "none" }, holder: "a", terms: [] });
    expect(await b.hookWith(asked, "candidate")).toEqual({
      exitCode: 1,
      output: "a may be the master by now: its record is newer than this question",
    });
    group.setView({ revision: 6, master: { kind: "none" }, holder: "c", terms: [{ token: 1 }] });

    // Both let go of the master before they tell how far they are.
    const [ofB, ofC] = await Promise.all([b.hookWith(asked, "candidate"), c.hookWith(asked, "candidate")]);
    expect([ofB, ofC]).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }]);
    expect(await b.sql("SELECT count(*) FROM pg_stat_wal_receiver")).toBe("0");

    group.setValue("postgresql-sync", "sync 1 a c");
    expect(await b.hook("candidate")).toEqual({
      exitCode: 1,
      output: "was not in sync with a (in sync: c)",
    });
    await c.stop("SIGKILL");
    group.setValue("postgresql-sync", "sync 2 a b c");
    expect(await b.hook("candidate")).toEqual({
      exitCode: 1,
      output: "can't tell what c has, which was in sync too",
    });
    group.setValue("postgresql-sync", "async 1 a");
    expectSuccess(await b.hook("candidate"));
  });

  test("with strict, still knows what it has heard of a node that is gone, until there was another master", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await inSync(group, "sync 1 a b c");
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    const [first] = await Promise.all([b.hook("candidate"), c.hook("candidate")]);
    expectSuccess(first);
    await c.stop("SIGKILL");
    expect(await b.hook("candidate")).toEqual(first);

    expectSuccess(await c.hook("pre_start"));
    await becomeReady(c);
    group.setMaster("c");
    const told = b.hook("node_state_change", "PUT", "c", "master");
    await waitFor(
      () => readFileSync(join(b.data, "msdha.conf"), "utf8").includes(`# Follows: ${c.address}`),
      {
        what: "b to follow c",
      },
    );
    group.setMaster(undefined);
    await told;
    await c.stop("SIGKILL");
    expect(await b.hook("candidate")).toMatchObject({ exitCode: 1 });
  });

  test("with strict, counts on those that have as much as itself from its first moment as the master", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    const d = await joinGroup(group, "d");
    await inSync(group, "sync 1 a b c d");
    await d.stop("SIGINT");
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)");
    await caughtUp(a, ["b", "c"]);
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await d.hook("pre_start"));
    await becomeReady(d);
    const answers = await Promise.all([b, c, d].map((node) => node.hook("candidate")));
    expect(answers.map(({ exitCode }) => exitCode)).toEqual([0, 0, 1]);
    await promote(group, b);
    expect(group.value("postgresql-sync")).toBe("sync 1 b c");
    expect(await b.sql("SHOW synchronous_standby_names")).toBe('ANY 1 ("c")');
    const committed = b.sql("CREATE TABLE u ()");
    expectSuccess(await c.hook("node_state_change", "PUT", "b", "master"));
    await committed;
  });

  test("with strict, says yes without having been in sync only under an operator's order", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await inSync(group, "sync 1 a b c");
    await Promise.all([a.stop("SIGKILL"), c.stop("SIGKILL")]);
    group.setMaster(undefined);
    group.setValue("postgresql-sync", "sync 1 a c");
    const refusal = { exitCode: 1, output: "was not in sync with a (in sync: c)" };
    expect(await b.hook("candidate")).toEqual(refusal);
    expectSuccess(await b.hookWith({ MSDHA_ACCEPT_LOSS: "1" }, "candidate"));
    // The order is withdrawn, and given again.
    expect(await b.hook("candidate")).toEqual(refusal);
    expectSuccess(await b.hookWith({ MSDHA_ACCEPT_LOSS: "1" }, "candidate"));
    await promote(group, b);
    expect(group.value("postgresql-sync")).toMatch(/^sync \d+ b$/);
    expect(await b.sql("SELECT pg_is_in_recovery()")).toBe("f");
  });

  test("with strict, is promoted though clients have all connections of the standbys", async () => {
    await using group = await createHookGroup({
      MSDHA_PG_SYNC: "strict",
      MSDHA_PG_ARGS: "-c max_connections=12",
    });
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    const c = await joinGroup(group, "c");
    await inSync(group, "sync 1 a b c");
    await takeConnections(b);
    await takeConnections(c);
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    // Each answers the other one once it follows nobody.
    const [ofB] = await Promise.all([b.hook("candidate"), c.hook("candidate")]);
    expectSuccess(ofB);
    await promote(group, b);
    expectSuccess(await c.hook("node_state_change", "PUT", "b", "master"));
    await b.sql("CREATE TABLE t AS SELECT 1 AS x");
    await waitFor(async () => (await c.sql("SELECT x FROM t").catch(() => "")) === "1", {
      what: "the table on c",
    });
  });

  test("with strict, the former master itself may always be promoted again", async () => {
    await using group = await createHookGroup({ MSDHA_PG_SYNC: "strict" });
    const a = await startFirst(group, "a");
    await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    expectSuccess(await a.hook("candidate"));
    group.setValue("postgresql-sync", "sync 2 a b");
    expect(await a.hook("candidate")).toMatchObject({ exitCode: 1 });
  });
});

async function rankOf(node: HookNode): Promise<number> {
  const { exitCode, output } = await node.hook("candidate");
  expect({ exitCode, output }).toEqual({ exitCode: 0, output: expect.stringMatching(/^-?\d{1,15}$/) });
  return Number(output);
}

/** Resolves when these standbys have all that the master has. */
async function caughtUp(master: HookNode, standbys: readonly string[]): Promise<void> {
  const names = standbys.map((name) => `'${name}'`).join();
  await waitFor(
    async () =>
      Number(
        await master.sql(`SELECT count(*) FROM pg_stat_replication
          WHERE flush_lsn = pg_current_wal_lsn() AND application_name IN (${names})`),
      ) === standbys.length,
    { what: `${standbys} to have all` },
  );
}
