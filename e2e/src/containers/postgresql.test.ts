import { waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Container } from "./support/container.ts";
import { type PostgresqlGroup, startPostgresql } from "./support/postgresql.ts";

const TTL_SECONDS = 3;
const TTL_MS = TTL_SECONDS * 1_000;
const CRASH_MS = 3 * TTL_MS + 1_000;

// One group for all of these, as in life: what a test breaks, it waits to see whole again.
let db: PostgresqlGroup;

beforeAll(async () => {
  db = await startPostgresql({ ttlSeconds: TTL_SECONDS, etcdMembers: 3 });
  await db.whole();
});
afterAll(async () => {
  await db?.[Symbol.asyncDispose]();
});

/** Resolves with the new master once another than `former` serves every client. */
async function nextMaster(former: Container): Promise<Container> {
  const others = db.nodes.filter((node) => node !== former);
  const master = await db.group.masterAmong(others);
  await db.served();
  return master;
}

/** What clients have seen since `db.begin()`, on one line of the output and as figures. */
function tell(what: string, more = ""): ReturnType<PostgresqlGroup["measured"]> {
  const seen = db.measured();
  const complaints = Object.entries({ ...seen.refusals, ...seen.complaints }).map(
    ([why, n]) => `${n} × ${why}`,
  );
  process.stdout.write(
    `${what}: gap ${seen.gapMs} ms, ${seen.refusedConnections} refused connections${more}; ${complaints.join(", ")}\n`,
  );
  return seen;
}

describe("planned changes", () => {
  test("lose no row and refuse no connection when the master is stopped", async () => {
    const former = await db.master();
    db.begin();
    await former.stop();
    await nextMaster(former);
    const { gapMs, refusedConnections } = tell("docker stop");

    expect(await former.exited()).toBe(0);
    expect(refusedConnections).toBe(0);
    expect(gapMs).toBeLessThanOrEqual(1_000);
    expect(await db.missingRows()).toBe(0);
    await former.start();
    await db.whole();
  });

  test("lose no row and refuse no connection, ten in a row", async () => {
    db.begin();
    for (let change = 0; change < 10; change += 1) {
      const former = await db.master();
      await former.stop();
      await nextMaster(former);
      await former.start();
      await db.group.inState(former, "ready");
    }
    const { refusedConnections } = tell("ten switchovers in a row");
    expect(refusedConnections).toBe(0);
    expect(await db.missingRows()).toBe(0);
    await db.whole();
  });

  test("lose no row when every container is restarted, one after the other", async () => {
    db.begin();
    for (const member of db.group.etcd.members) {
      await member.stop();
      await member.start();
      await waitFor(async () => (await member.exec(["etcdctl", "endpoint", "health"])).code === 0, {
        what: "the etcd member",
        timeoutMs: 30_000,
      });
    }
    for (const node of db.nodes) {
      await node.stop();
      await node.start();
      await db.whole();
    }
    await db.frontend.stop();
    await db.frontend.start();
    await db.whole();
    tell("a rolling restart");
    expect(await db.missingRows()).toBe(0);
  });
});

describe("faults", () => {
  test("bring a new master within three TTLs and a second when the master is killed", async () => {
    const former = await db.master();
    db.begin();
    await former.kill();
    await nextMaster(former);
    const { gapMs } = tell("docker kill");
    expect(gapMs).toBeLessThanOrEqual(CRASH_MS);
    await former.start();
    await db.whole();
    expect(await db.missingRows()).toBe(0);
  });

  test("bring a new master when the old one is paused, and the thawed one ends itself", async () => {
    const former = await db.master();
    db.begin();
    await former.pause();
    await nextMaster(former);
    const { gapMs } = tell("docker pause");
    expect(gapMs).toBeLessThanOrEqual(CRASH_MS);

    const thawed = performance.now();
    const runs = await former.startedAt();
    await former.unpause();
    await waitFor(async () => (await former.startedAt()) !== runs, {
      what: "the thawed container to end",
      timeoutMs: 20_000,
    });
    process.stdout.write(`the thawed container ended within ${Math.round(performance.now() - thawed)} ms\n`);
    expect(db.writer.overlaps).toBe(0);
    await db.whole();
    expect(await db.missingRows()).toBe(0);
  });

  test("bring a new master when the old one is cut off, and the old one comes back as a slave", async () => {
    const former = await db.master();
    db.begin();
    await former.disconnect();
    await nextMaster(former);
    const { gapMs } = tell("docker network disconnect");
    expect(gapMs).toBeLessThanOrEqual(CRASH_MS);
    await former.reconnect();
    await db.whole();
    expect(db.writer.overlaps).toBe(0);
    expect(await db.missingRows()).toBe(0);
  });

  test("are not noticed by any client when one member of etcd, not its leader, dies", async () => {
    const leader = await db.group.etcd.leader();
    const member = db.group.etcd.members.find((one) => one !== leader);
    if (!member) throw new Error("expected a member that does not lead");
    const master = await db.master();
    db.begin();
    await member.kill();
    await db.served();
    await waitFor(() => db.measured().acknowledgedRows > 500, { what: "500 rows", timeoutMs: 30_000 });
    const { gapMs, brokenSessions } = tell("an etcd member dies");
    expect(brokenSessions).toBe(0);
    expect(gapMs).toBeLessThan(1_000);
    expect(await db.master()).toBe(master);
    await member.start();
    await db.whole();
  });
});
