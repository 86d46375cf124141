import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { createHookGroup } from "./hook-node.ts";
import { startRunningGroup } from "./running-group.ts";
import {
  becomeReady,
  expectSuccess,
  joinGroup,
  killHook,
  logOf,
  partNodes,
  promote,
  startFirst,
} from "./stages.ts";

const MAX_LAG_BYTES = 1_048_576;

test("what a fail-over without synchronous replication has lost is in the log and in msdha history, by its bytes", async () => {
  await using running = await startRunningGroup({ MSDHA_PG_SYNC: "off" }, { nodes: 2 });
  const { master, group } = running;
  const [standby = ""] = running.nodes.filter((name) => name !== master);
  // Nothing more leaves the master.
  process.kill(Number(await running.sql(master, "SELECT pid FROM pg_stat_replication")), "SIGSTOP");
  await running.sql(master, "CREATE TABLE lost AS SELECT generate_series(1, 500)");
  const before = running.writer.total;
  // The master tells the group once a second how far it is.
  await running.sql(master, "SELECT pg_sleep(2.5)");
  expect(running.writer.total).toBeGreaterThan(before);
  await group.killNode(master);
  expect(await running.masterAfter(master)).toBe(standby);

  const line = await waitFor(
    async () =>
      /promoted without .* \((\d+) bytes\) of the log that \S+ had/.exec(await running.log(standby)),
    { what: "the loss in the log" },
  );
  const bytes = Number(line[1]);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThanOrEqual(MAX_LAG_BYTES);
  await waitFor(
    async () => (await running.history()).includes(`(${bytes} bytes) of the log that ${master} had`),
    {
      what: "the loss in msdha history",
    },
  );
  await group.startNode(master);
  await running.whole();
});

test("so is one whose helper was killed after it was asked for the candidacy", async () => {
  await using group = await createHookGroup();
  await partNodes(group, {
    rows: 5_000,
    async beforeKill(a) {
      const end = BigInt(await a.sql("SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')"));
      await waitFor(() => BigInt(group.value("postgresql-position")?.split(" ")[1] ?? 0) >= end, {
        what: "a to tell how far it is",
      });
    },
    async beforePromotion(b) {
      expectSuccess(await b.hook("candidate"));
      await killHook(b, "pre_start");
    },
  });
  const loss = await waitFor(() => group.value("postgresql-losses"), { what: "the loss to be noted" });
  expect(loss).toMatch(/^\S+ b [1-9]\d{4,5} a$/);
});

test("so is one of a master that began its timeline without the new one, which gives its own the same number", async () => {
  await using group = await createHookGroup();
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  const c = await joinGroup(group, "c");
  await c.stop("SIGINT");
  await a.stop("SIGINT");
  await promote(group, b);
  await b.sql("CREATE TABLE lost AS SELECT generate_series(1, 5000)");
  const [timeline, end] = (
    await b.sql(`SELECT left(pg_walfile_name(at), 8) || ' ' || pg_wal_lsn_diff(at, '0/0')
    FROM pg_current_wal_flush_lsn() AS a (at)`)
  ).split(" ");
  await waitFor(() => BigInt(group.value("postgresql-position")?.split(" ")[1] ?? 0) >= BigInt(end ?? 0), {
    what: "b to tell how far it is",
  });
  await b.stop("SIGKILL");
  group.setMaster(undefined);
  expectSuccess(await c.hook("pre_start"));
  await becomeReady(c);
  expectSuccess(await c.hook("candidate"));
  const had = BigInt(await c.sql("SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')"));
  await promote(group, c);
  expect(await c.sql("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)")).toBe(timeline);
  const loss = await waitFor(() => group.value("postgresql-losses"), { what: "the loss to be noted" });
  expect(loss).toMatch(/^\S+ c \d+ b$/);
  expect(BigInt(loss.split(" ")[2] ?? 0)).toBeGreaterThanOrEqual(BigInt(end ?? 0) - had);
  expect(logOf(c)).toMatch(/promoted without \d+ kB \(\d+ bytes\) of the log that b had/);
});
