import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { startTcpProxy, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { childrenOf } from "./support/children-of.ts";
import { startGroup, type TestGroup } from "./support/group.ts";

/** A group whose master `a` reaches etcd through a proxy of its own, and whose slave `b` does not. */
async function startPair(group: TestGroup, options: { readonly mode?: string } = {}) {
  const proxy = await startTcpProxy(group.etcd.clientPort);
  const a = group.start("a", { endpoints: `http://${proxy.address}`, ...options });
  await group.masterAmong([a]);
  const b = group.start("b");
  await group.state("b", "ready");
  return { a, b, proxy, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

/** Nothing of the node has written to the journal after the other one's `master` hook began. */
function expectGone(group: TestGroup, former: string, next: string): void {
  const promoted = group.journal.of(next, "master")[0];
  const last = group.journal.of(former, "beat").at(-1);
  expect(promoted && last && last.at < promoted.at, `${former} gone before ${next} is promoted`).toBe(true);
}

describe.concurrent("a master that is cut off from etcd", () => {
  test("ends within its time, before the next one is promoted", async () => {
    await using group = await startGroup();
    await using pair = await startPair(group);
    await pair.proxy.setMode("silent");
    expect(await pair.a.exited()).toBe(75);
    await group.masterAmong([pair.b]);
    expectGone(group, "a", "b");
  });

  test("is killed in time when its program ignores SIGTERM and its children have sessions of their own", async () => {
    await using group = await startGroup();
    await using pair = await startPair(group, { mode: "ignore-term" });
    await pair.proxy.setMode("silent");
    await group.masterAmong([pair.b]);
    expectGone(group, "a", "b");
  });

  test("lives on when the cut is shorter than its TTL", async () => {
    await using group = await startGroup({ ttlSeconds: 6 });
    await using pair = await startPair(group);
    for (let cut = 0; cut < 3; cut++) {
      await pair.proxy.setMode("silent");
      await sleep(2_000);
      await pair.proxy.setMode("pass");
      await sleep(1_500);
    }
    expect(await group.master()).toBe("a");
    expect(pair.a.child.running).toBe(true);
  });
});

describe.concurrent("a supervisor", () => {
  test("that is killed leaves nothing running, whatever its program did", async () => {
    await using group = await startGroup();
    for (const mode of ["setsid", "double-fork", "ignore-term"]) {
      const node = group.start(mode, { mode });
      await waitFor(() => group.journal.of(mode, "beat").length > 0, { what: `${mode} to run` });
      await node.child.kill();
      await expectSilence(group, mode);
    }
  });

  test("that is frozen has nothing running when the next master is promoted", async () => {
    await using group = await startGroup();
    await using pair = await startPair(group, { mode: "double-fork" });
    pair.a.child.freeze();
    await group.masterAmong([pair.b]);
    expectGone(group, "a", "b");
    pair.a.child.thaw();
    expect(await pair.a.exited()).toBe(75);
    expectGone(group, "a", "b");
  });

  test("that is frozen in the middle of its wait promotes nothing after its thaw", async () => {
    await using group = await startGroup();
    // Together: on a busy machine the second would start for longer than the first waits.
    const nodes = [group.start("a"), group.start("b")];
    const waits = await Promise.race(
      nodes.map((node) => node.logged(/took the master lock/).then(() => node)),
    );
    const others = nodes.filter((node) => node !== waits);
    for (const { name } of others) await group.state(name, "ready");
    waits.child.freeze();
    await group.masterAmong(others);
    waits.child.thaw();
    expect(await waits.exited()).toBe(75);
    expect(group.journal.of(waits.name, "master")).toEqual([]);
  });

  test("that is killed in the middle of its wait is replaced after a whole wait", async () => {
    await using group = await startGroup();
    await using pair = await startPair(group);
    await pair.a.child.kill();
    await pair.b.logged(/took the master lock/);
    await pair.b.child.kill();
    const killed = Date.now();
    const c = group.start("c");
    await group.masterAmong([c]);
    expect(c.log()).toMatch(/took the master lock.*takenAfter=wait/);
    const master = /^(\S+) .*is the master/m.exec(c.log())?.[1] ?? "";
    expect(Date.parse(master) - killed).toBeGreaterThanOrEqual(2 * group.ttlMs);
    expectGone(group, "a", "c");
  });
});

describe.concurrent("etcd", () => {
  test("that is frozen for longer than the TTL ends every node; restarted, they find a master", async () => {
    await using group = await startGroup();
    const before = [group.start("a"), group.start("b")];
    await group.masterAmong(before);
    group.etcd.freeze();
    for (const node of before) expect(await node.exited()).toBe(75);
    group.etcd.thaw();
    const after = [group.start("a"), group.start("b")];
    await waitFor(() => group.journal.entries().filter(({ what }) => what === "master").length === 2, {
      what: "a second promotion",
      timeoutMs: 40_000,
    });
    expect(after.map(({ name }) => name)).toContain(await group.master());
  });

  test("that is dead for longer than the TTL and comes back has nodes that were started meanwhile join", async () => {
    await using group = await startGroup();
    const a = group.start("a");
    await group.masterAmong([a]);
    await group.etcd.kill();
    expect(await a.exited()).toBe(75);
    const again = group.start("a");
    const b = group.start("b");
    await again.logged(/etcd does not answer yet/);
    await group.etcd.restart();
    await waitFor(() => group.journal.entries().filter(({ what }) => what === "master").length === 2, {
      what: "a second promotion",
      timeoutMs: 40_000,
    });
    expect(["a", "b"]).toContain(await group.master());
    expect([again, b].every(({ child }) => child.running)).toBe(true);
  });

  test.each([
    ["the lock is deleted by hand", (group: TestGroup) => group.etcd.etcdctl("del", "/msdha/db/_lock")],
    ["its lease is revoked by hand", (group: TestGroup) => revokeLeaseOf(group, "a")],
    ["its node key is deleted by hand", (group: TestGroup) => group.etcd.etcdctl("del", "/msdha/db/a")],
    [
      "its node key is written by hand",
      (group: TestGroup) => group.etcd.etcdctl("put", "/msdha/db/a", "master"),
    ],
  ])("ends a master when %s, and the next one waits", async (what, fault) => {
    await using group = await startGroup();
    await using pair = await startPair(group, { mode: "slow:1500" });
    await fault(group);
    expect(await pair.a.exited()).toBe(75);
    if (what.includes("written")) await group.etcd.etcdctl("del", "/msdha/db/a");
    await group.masterAmong([pair.b]);
    expect(pair.b.log()).toMatch(/took the master lock.*takenAfter=wait/);
    expectGone(group, "a", "b");
  });

  test("is not believed when a key that is no node's says master", async () => {
    await using group = await startGroup();
    const a = group.start("a", {
      hooks: { node_state_change: 'cat "$MSDHA_RUN_DIR/current_master"; echo "told $*"' },
    });
    await group.masterAmong([a]);
    await group.etcd.etcdctl("put", "/msdha/db/ghost", "master");
    await a.logged(/told PUT ghost master/);
    expect(readFileSync(`${a.runDir}/current_master`, "utf8")).toBe("a\n");
  });
});

test.concurrent("nodes of different TTLs wait for the longest", async () => {
  await using group = await startGroup();
  const proxy = await startTcpProxy(group.etcd.clientPort);
  const slow = group.start("slow", {
    ttlSeconds: 8,
    endpoints: `http://${proxy.address}`,
    mode: "ignore-term",
  });
  await group.masterAmong([slow]);
  const quick = group.start("quick", { ttlSeconds: 2 });
  await group.state("quick", "ready");
  await proxy.setMode("silent");
  await group.masterAmong([quick], 60_000);
  expectGone(group, "slow", "quick");
  expect((await group.keys())["_ttl"]).toBe("2");
  await proxy[Symbol.asyncDispose]();
});

async function revokeLeaseOf(group: TestGroup, node: string): Promise<void> {
  const text = await group.etcd.etcdctl("get", `/msdha/db/${node}`, "-w", "fields");
  const lease = BigInt(/"Lease" : (\d+)/.exec(text)?.[1] ?? 0);
  await group.etcd.etcdctl("lease", "revoke", lease.toString(16));
}

async function expectSilence(group: TestGroup, node: string): Promise<void> {
  const beats = (): number => group.journal.of(node, "beat").length;
  let last = beats();
  await waitFor(
    async () => {
      await sleep(200);
      const now = beats();
      const quiet = now === last;
      last = now;
      return quiet;
    },
    { what: `nothing of ${node} to be alive`, timeoutMs: 3_000 },
  );
}

describe.concurrent("a guard", () => {
  test.each(["outer", "inner"])(
    "whose %s process is killed ends the node, and nothing is left",
    async (which) => {
      await using group = await startGroup();
      const a = group.start("a", { mode: "double-fork" });
      await group.masterAmong([a]);
      const [outer = 0] = childrenOf(a.child.pid);
      const [inner = 0] = childrenOf(outer);
      process.kill(which === "outer" ? outer : inner, "SIGKILL");
      expect(await a.exited()).toBe(71);
      await expectSilence(group, "a");
      const b = group.start("b");
      await group.masterAmong([b]);
      expectGone(group, "a", "b");
    },
  );
});
