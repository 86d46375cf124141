import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup } from "./support/group.ts";
import { hookChanges, readHistory } from "./support/history.ts";

describe.concurrent("a group of backends", () => {
  test("comes up with one master, which has run through every state", async () => {
    await using group = await startGroup();
    const nodes = ["a", "b", "c"].map((name) => group.start(name));
    const master = await group.masterAmong(nodes);
    await waitFor(
      async () => Object.values(await group.keys()).filter((state) => state === "ready").length === 2,
      {
        what: "two slaves",
      },
    );
    const history = (await readHistory(group.etcd, group.name)).filter((change) =>
      change.includes(` ${master.name} `),
    );
    expect(history).toEqual(
      ["pre_start", "start", "running_not_ready", "ready", "master"].map(
        (state) => `PUT ${master.name} ${state}`,
      ),
    );
  });

  test("hands over at once when its master is stopped, and the stopped one leaves nothing in etcd", async () => {
    await using group = await startGroup({ ttlSeconds: 10 });
    const a = group.start("a");
    await group.state("a", "ready");
    const b = group.start("b");
    const first = await group.masterAmong([a, b]);
    await group.state("b", "ready");
    const asked = Date.now();
    first.stop();
    const second = await group.masterAmong([a, b].filter((node) => node !== first));
    expect(Date.now() - asked).toBeLessThan(group.ttlMs);
    expect(await first.exited()).toBe(0);
    // The history of former masters is meant to stay.
    const left = Object.keys(await group.keys()).filter((key) => !key.startsWith("_history/"));
    expect(left.sort()).toEqual([
      "_last_master",
      "_lock",
      "_node/b",
      expect.stringMatching(/^_proof\/\d+$/),
      "_since/b",
      "_ttl",
      "b",
    ]);
    second.stop();
    expect(await second.exited()).toBe(0);
  });

  test("hands over at once when the main process ends, with its exit code", async () => {
    await using group = await startGroup({ ttlSeconds: 5 });
    const a = group.start("a", { mode: "exit:7:13000" });
    await group.state("a", "ready");
    const b = group.start("b");
    await group.masterAmong([a]);
    expect(await a.exited()).toBe(7);
    const ended = Date.now();
    await group.masterAmong([b]);
    expect(Date.now() - ended).toBeLessThan(group.ttlMs);
  });

  test("has a new master when the old one is killed, after the wait", async () => {
    await using group = await startGroup();
    const a = group.start("a", { mode: "setsid" });
    await group.masterAmong([a]);
    const b = group.start("b");
    await group.state("b", "ready");
    await a.child.kill();
    await group.masterAmong([b]);
    const [promoted] = group.journal.of("b", "master");
    const last = group.journal.of("a", "beat").at(-1);
    expect(promoted && last && promoted.at - last.at).toBeGreaterThan(2 * group.ttlMs);
  });

  test("tells every node each change once, in etcd's order", async () => {
    await using group = await startGroup();
    const watcher = group.start("watcher", { hooks: { running_not_ready: "sleep 1000" } });
    await watcher.logged(/running_not_ready/);
    const a = group.start("a");
    const b = group.start("b");
    await group.masterAmong([a, b]);
    a.stop();
    await a.exited();
    await group.masterAmong([b]);
    const again = group.start("a");
    await group.state("a", "ready");
    again.stop();
    await again.exited();
    const history = await readHistory(group.etcd, group.name);
    const deletions = (changes: readonly string[]): number =>
      changes.filter((change) => change.startsWith("DELETE ")).length;
    await waitFor(() => deletions(hookChanges(group.journal, "watcher")) === deletions(history), {
      what: "the last change",
    });
    const told = hookChanges(group.journal, "watcher");
    expect(told).toEqual(history.slice(history.length - told.length));
    expect(told).toContain("PUT b master");
  });

  test("keeps the files of the run folder true", async () => {
    await using group = await startGroup();
    const a = group.start("a", {
      listen: { address: "127.0.0.1", port: 0 },
      hooks: { master: 'ls "$MSDHA_RUN_DIR"; cat "$MSDHA_RUN_DIR/current_master_address"' },
    });
    const line = await a.logged(/is_master/);
    expect(line).toContain("hook=master");
    await a.logged(/127\.0\.0\.1.* hook=master/);
  });

  test("ends a master whose time is over and hands over, never demoting it", async () => {
    await using group = await startGroup();
    const a = group.start("a", { env: { MSDHA_MASTER_TTL: "2" } });
    await group.state("a", "ready");
    const b = group.start("b");
    await group.masterAmong([a]);
    expect(await a.exited()).toBe(0);
    await group.masterAmong([b]);
    expect(a.log()).toMatch(/handedOver=true/);
  });
});

describe.concurrent("a node that joins", () => {
  test("during an election does not become a second master", async () => {
    await using group = await startGroup();
    const a = group.start("a");
    await a.logged(/took the master lock/);
    const late = [group.start("b"), group.start("c")];
    await group.masterAmong([a]);
    await sleep(2.5 * group.ttlMs);
    expect(group.journal.entries().filter(({ what }) => what === "master")).toHaveLength(1);
    expect(await group.master()).toBe("a");
    expect(late.every(({ child }) => child.running)).toBe(true);
  });

  test("under the name of its own former run takes its place at once", async () => {
    await using group = await startGroup({ ttlSeconds: 10 });
    const a = group.start("a");
    await group.state("a", "ready");
    await a.child.kill();
    const killed = Date.now();
    const again = group.start("a");
    await again.logged(/joined the group/);
    expect(Date.now() - killed, "less than the former lease had left").toBeLessThan(group.ttlMs - 1_000);
    await group.masterAmong([again]);
  });

  test("under the name of a stranger that is alive is refused, and the stranger lives on", async () => {
    await using group = await startGroup();
    const a = group.start("a");
    await group.masterAmong([a]);
    const stranger = group.start("a", { folder: "other" });
    expect(await stranger.exited()).toBe(73);
    expect(stranger.log()).toMatch(/the name "a" is taken/);
    expect(await group.master()).toBe("a");
    expect(a.child.running).toBe(true);
  });

  test("under the name of a stranger that is gone waits for its lease", async () => {
    await using group = await startGroup();
    const a = group.start("a");
    await group.state("a", "ready");
    await a.child.kill();
    const other = group.start("a", { folder: "other" });
    await group.masterAmong([other]);
  });
});

test.concurrent("groups do not see each other when one's name is the beginning of the other's", async () => {
  await using db = await startGroup({ group: "db" });
  await using db2 = await startGroup({ group: "db2", etcd: db.etcd, dir: db.dir });
  const one = db.start("one");
  const two = db2.start("two");
  await db.masterAmong([one]);
  await db2.masterAmong([two]);
  expect(Object.keys(await db.keys())).not.toContain("two");
  expect(hookChanges(db.journal, "one").filter((change) => change.includes("two"))).toEqual([]);
});
