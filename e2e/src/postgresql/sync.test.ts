import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { type RunningGroup, startRunningGroup, TTL_SECONDS } from "./running-group.ts";

const strict = { MSDHA_PG_SYNC: "strict" };

describe.concurrent("a PostgreSQL group with strict", () => {
  test("loses no acknowledged row when masters are killed, cut off, and stopped", async () => {
    await using running = await startRunningGroup(strict);
    const { group, writer } = running;

    const killed = running.master;
    await group.killNode(killed);
    const second = await running.masterAfter(killed);
    expect(await running.missingRows()).toBe(0);
    await group.startNode(killed);
    await running.whole();

    await group.cutFromEtcd(second);
    const third = await running.masterAfter(second);
    expect(await running.missingRows()).toBe(0);
    await group.reconnectToEtcd(second);
    await running.whole();

    await group.stopNode(third);
    await running.masterAfter(third);
    expect(await running.missingRows()).toBe(0);
    expect(writer.overlaps).toBe(0);
    expect(writer.total).toBeGreaterThan(100);
  });

  test("goes on without a standby that is slow or gone; without any it waits, and no other node takes its place", async () => {
    await using running = await startRunningGroup(strict);
    const { group } = running;
    const { master } = running;
    const [slow = "", other = ""] = running.nodes.filter((name) => name !== master);
    const inSync = async (): Promise<string> => {
      const [, , recorded, ...standbys] = (await running.record()).split(" ");
      return recorded === master ? standbys.sort().join(" ") : "";
    };
    await waitFor(async () => (await inSync()) === `${slow} ${other}`, {
      what: "both standbys to be in sync",
    });

    const receiver = Number(await running.sql(slow, "SELECT pid FROM pg_stat_wal_receiver"));
    process.kill(receiver, "SIGSTOP");
    await running.served();
    process.kill(receiver, "SIGCONT");

    await group.killNode(slow);
    await running.served();
    await waitFor(async () => (await inSync()) === other, {
      what: `${slow} to be no longer counted on`,
    });

    await group.killNode(other);
    await waits(running, master);
    const before = running.writer.total;
    await group.startNode(slow);
    await running.served();
    expect(running.writer.total).toBeGreaterThan(before);
    await waitFor(async () => (await inSync()) === slow, {
      what: `only ${slow} to be in sync`,
    });

    // Now the other one lacks rows that were acknowledged.
    await Promise.all([group.killNode(master), group.killNode(slow)]);
    await group.startNode(other);
    await waitFor(async () => (await running.log(other)).includes(`was not in sync with ${master}`), {
      ...{ what: `${other} to refuse`, timeoutMs: 5_000 + 4_000 * TTL_SECONDS },
    });
    await group.startNode(slow);
    expect(await running.masterAfter(master)).toBe(slow);
    expect(await running.missingRows()).toBe(0);
    await group.startNode(master);
    await running.whole();
    expect(await running.missingRows()).toBe(0);
    expect(running.writer.overlaps).toBe(0);
  });
});

// Not beside the others: three groups at once are too much for two processors.
describe("a PostgreSQL group with strict whose master crashes", () => {
  test("loses no acknowledged row when it was one process of its server only: another node takes over", async () => {
    await using running = await startRunningGroup(strict);
    const crashed = running.master;
    const backend = await running.sql(
      crashed,
      "SELECT max(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    process.kill(Number(backend), "SIGKILL");
    await running.masterAfter(crashed);
    expect(await running.missingRows()).toBe(0);
    await running.whole();
    expect(await running.missingRows()).toBe(0);
    expect(running.writer.overlaps).toBe(0);
  });
});

describe("a PostgreSQL group with strict and two standbys for each commit", () => {
  test("loses no acknowledged row when its master and a standby die at the same moment", async () => {
    await using running = await startRunningGroup({ ...strict, MSDHA_PG_SYNC_NODES: "2" }, { nodes: 4 });
    const { group, writer } = running;
    const { master } = running;
    const [standby = "", ...others] = running.nodes.filter((name) => name !== master);
    await waitFor(async () => /^sync:2( \S+){5}$/.test(await running.record()), {
      what: "all standbys to be in sync",
    });
    await Promise.all([group.killNode(master), group.killNode(standby)]);
    const next = await waitFor(() => others.find((name) => name === running.watch.view.master?.name), {
      what: "one of the other two to be the master",
      timeoutMs: 60_000,
    });
    // With one standby left commits wait.
    await waitFor(async () => /^ANY 2 /.test(await running.sql(next, "SHOW synchronous_standby_names")), {
      what: `${next} to wait for two`,
    });
    await group.startNode(standby);
    await running.served();
    expect(await running.missingRows()).toBe(0);
    await group.startNode(master);
    await running.whole();
    expect(await running.missingRows()).toBe(0);
    expect(writer.overlaps).toBe(0);
    expect(writer.total).toBeGreaterThan(20);
  });
});

describe("a PostgreSQL group with strict and two standbys for each commit, of which three are there", () => {
  test("goes on with one frozen or gone, waits with one left, and loses nothing when both that had all are killed, and the master", async () => {
    await using running = await startRunningGroup({ ...strict, MSDHA_PG_SYNC_NODES: "2" }, { nodes: 4 });
    const { group, writer } = running;
    const { master } = running;
    const [first = "", second = "", third = ""] = running.nodes.filter((name) => name !== master);
    const inSync = async (...names: readonly string[]): Promise<void> => {
      await waitFor(
        async () => {
          const [kind, , recorded, ...standbys] = (await running.record()).split(" ");
          return kind === "sync:2" && recorded === master && standbys.sort().join() === names.join();
        },
        { what: `${names.join()} to be in sync`, timeoutMs: 60_000 },
      );
    };
    await inSync(first, second, third);
    const frozen = await freezeReceiver(running, first);
    await running.served();
    frozen.thaw();
    await group.killNode(first);
    await running.served();
    await inSync(second, third);

    // One is not enough, whether the other one is frozen or gone.
    const alsoFrozen = await freezeReceiver(running, second);
    await waits(running, master);
    alsoFrozen.thaw();
    await running.served();
    await Promise.all([group.killNode(second), group.killNode(third)]);
    await waits(running, master);
    expect((await running.record()).split(" ").slice(3).sort()).toEqual([second, third]);
    await group.killNode(master);

    // It lacks what was acknowledged without it.
    await group.startNode(first);
    await waitFor(async () => (await running.log(first)).includes(`was not in sync with ${master}`), {
      ...{ what: `${first} to refuse`, timeoutMs: 5_000 + 10_000 * TTL_SECONDS },
    });
    expect(running.watch.view.master).toBeUndefined();
    await group.startNode(second);
    await waitFor(() => running.watch.view.master?.name === second, {
      ...{ what: `${second} to be the master`, timeoutMs: 60_000 },
    });
    await waits(running, second);
    await group.startNode(third);
    await running.served();
    expect(await running.missingRows()).toBe(0);
    await group.startNode(master);
    await running.whole();
    expect(await running.missingRows()).toBe(0);
    expect(writer.overlaps).toBe(0);
  });
});

/** Has a standby receive nothing, as one whose machine is frozen. */
async function freezeReceiver(running: RunningGroup, standby: string): Promise<{ thaw(): void }> {
  const receiver = Number(await running.sql(standby, "SELECT pid FROM pg_stat_wal_receiver"));
  process.kill(receiver, "SIGSTOP");
  return { thaw: () => void process.kill(receiver, "SIGCONT") };
}

/** Resolves when every client waits for a standby. */
async function waits({ sql, writer }: RunningGroup, master: string): Promise<void> {
  await waitFor(
    async () =>
      Number(await sql(master, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")) >= 4,
    { what: "all commits to wait" },
  );
  const { total } = writer;
  await sql(master, "SELECT pg_sleep(1)");
  expect(writer.total).toBe(total);
}
