import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startClient } from "./support/client.ts";
import { startFrontend, type TestFrontend } from "./support/frontend.ts";
import { startGroup, type TestGroup } from "./support/group.ts";
import type { NodeOptions, TestNode } from "./support/node.ts";

async function setUp(group: TestGroup, block: number, options: NodeOptions = {}) {
  const frontend: TestFrontend = await startFrontend({
    dir: group.dir,
    endpoints: group.etcd.endpoint,
    group: group.name,
    ttlSeconds: group.ttlMs / 1000,
  });
  const nodes: TestNode[] = [1, 2].map((host) =>
    group.start(`n${host}`, {
      ...options,
      listen: { address: `127.0.${block}.${host}`, port: frontend.port },
    }),
  );
  const master = await group.masterAmong(nodes);
  const slave = nodes.find((node) => node !== master) as TestNode;
  await group.state(slave.name, "ready");
  const client = startClient(frontend.port);
  await waitFor(() => client.servedBy(master.name), { what: "a visit to the master" });
  return {
    ...{ frontend, master, slave, client },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await frontend[Symbol.asyncDispose]();
    },
  };
}

describe.concurrent("clients of a frontend", () => {
  test("reach the master and only it", async () => {
    await using group = await startGroup();
    await using site = await setUp(group, 41);
    await waitFor(() => site.client.visits.length > 100, { what: "a hundred visits" });
    expect(new Set(site.client.visits.map(({ by }) => by))).toEqual(new Set([site.master.name]));
  });

  test("are delayed and never refused while the master is stopped", async () => {
    await using group = await startGroup();
    await using site = await setUp(group, 42);
    const asked = performance.now();
    site.master.stop();
    await waitFor(() => site.client.servedBy(site.slave.name, asked), { what: "a visit to the next master" });
    expect(site.client.failures()).toEqual([]);
    const late = site.client.visits.filter(
      ({ by, begun }) => by === site.master.name && begun > asked + 1_000,
    );
    expect(late).toEqual([]);
  });

  test("reach a master that is to have no traffic before its hook has run only then", async () => {
    await using group = await startGroup();
    const note = `printf "master %s %s %d %d\\n", @ARGV[0, 1], $$, clock_gettime(7) * 1000`;
    await using site = await setUp(group, 46, {
      env: { MSDHA_TRAFFIC: "after_hook" },
      hooks: {
        master: `sleep 1
perl -MTime::HiRes=clock_gettime -e '${note}' "$MSDHA_NAME" "$(cat "$MSDHA_RUN_DIR/run_id")" >> ${group.journal.path}`,
      },
    });
    site.master.stop();
    await group.state(site.slave.name, "master");
    expect(group.journal.of(site.slave.name, "master")).toEqual([]);
    await waitFor(() => site.client.servedBy(site.slave.name), { what: "a visit to the next master" });
    expect(group.journal.of(site.slave.name, "master")).toHaveLength(1);
    expect(site.client.failures()).toEqual([]);
  });

  test("are delayed and never refused when they come while the master's program is gone", async () => {
    await using group = await startGroup();
    await using site = await setUp(group, 43);
    const crashed = performance.now();
    for (const { pid } of group.journal.of(site.master.name, "begin")) process.kill(pid, "SIGKILL");
    await waitFor(() => site.client.servedBy(site.slave.name, crashed), {
      what: "a visit to the next master",
    });
    expect(site.client.failures(crashed + 100)).toEqual([]);
  });

  test("wait until the next master is there when a whole node dies", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    await using site = await setUp(group, 44);
    await site.master.child.kill();
    await waitFor(() => site.client.servedBy(site.slave.name), {
      what: "a visit to the next master",
      timeoutMs: 20_000,
    });
  });

  test("go on to the last master while etcd is away for less than the TTL", async () => {
    await using group = await startGroup({ ttlSeconds: 10 });
    await using site = await setUp(group, 45);
    group.etcd.freeze();
    const frozen = performance.now();
    await waitFor(() => site.client.visits.some(({ begun }) => begun > frozen + 3_000), { what: "visits" });
    group.etcd.thaw();
    expect(site.client.failures()).toEqual([]);
    expect(site.client.longestGap(frozen)).toBeLessThan(2_000);
  });
});
