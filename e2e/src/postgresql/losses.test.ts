import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { startRunningGroup } from "./running-group.ts";

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
