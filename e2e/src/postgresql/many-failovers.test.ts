import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { type RunningGroup, startRunningGroup } from "./running-group.ts";

const FAILOVERS = 10;
/** Many more than a master acknowledges before it sends them. */
const ONLY_ON_ONE = 50;

describe("a PostgreSQL group with strict", () => {
  test("promotes the standby that has most when the other one was frozen under load", async () => {
    await using running = await startRunningGroup({ MSDHA_PG_SYNC: "strict" });
    const { master } = running;
    using frozen = await freezeStandby(running);
    await running.group.killNode(master);
    frozen.thaw();
    expect(await running.masterAfter(master)).toBe(frozen.other);
    expect(await running.missingRows()).toBe(0);
    await running.group.startNode(master);
    await running.whole();
    expect(await running.missingRows()).toBe(0);
    expect(running.writer.overlaps).toBe(0);
  });

  test("loses no row in ten failovers, after each of which the former master is back", {
    timeout: 300_000,
  }, async () => {
    await using running = await startRunningGroup({ MSDHA_PG_SYNC: "strict" });
    for (let failover = 1; failover <= FAILOVERS; failover += 1) {
      const { master } = running;
      await running.group.crashMainProcess(master);
      await running.masterAfter(master);
      await running.whole();
      expect(running.writer.cancelled).toBe(0);
      expect({ failover, missing: await running.missingRows() }).toEqual({ failover, missing: 0 });
    }
    expect(running.writer.overlaps).toBe(0);
    const timeline = Number(
      await running.sql(running.master, "SELECT timeline_id FROM pg_control_checkpoint()"),
    );
    expect(timeline).toBeGreaterThan(FAILOVERS);
  });
});

describe("a PostgreSQL group without synchronous replication", () => {
  test("promotes the standby that has most when the other one was frozen under load", async () => {
    await using running = await startRunningGroup({});
    const { master } = running;
    using frozen = await freezeStandby(running);
    await running.group.killNode(master);
    expect(await running.masterAfter(master)).toBe(frozen.other);
    // What the master had not sent yet is lost with it; the frozen one lacks all of the others.
    expect(await running.missingRows()).toBeLessThan(ONLY_ON_ONE);
    frozen.thaw();
    await running.group.startNode(master);
    await running.whole();
    expect(running.writer.overlaps).toBe(0);
  });
});

/** Freezes what a standby receives by, until the other standby alone has many rows. Disposing thaws it. */
async function freezeStandby(
  running: RunningGroup,
): Promise<Disposable & { readonly other: string; thaw(): void }> {
  const [frozen = "", other = ""] = running.nodes.filter((name) => name !== running.master);
  const receiver = Number(await running.sql(frozen, "SELECT pid FROM pg_stat_wal_receiver"));
  process.kill(receiver, "SIGSTOP");
  using undo = new DisposableStack();
  undo.defer(() => process.kill(receiver, "SIGCONT"));
  const before = running.writer.total;
  await waitFor(() => running.writer.total > before + ONLY_ON_ONE, {
    what: "rows that only one standby has",
  });
  const goesOn = undo.move();
  return { other, thaw: () => goesOn.dispose(), [Symbol.dispose]: () => goesOn.dispose() };
}
