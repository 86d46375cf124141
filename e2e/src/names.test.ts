import { setTimeout as sleep } from "node:timers/promises";
import { findNameServerObstacle, startEtcdCluster, startNameServer } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { openGroup } from "./support/group.ts";

const obstacle = findNameServerObstacle();
const because = obstacle ? ` (skipped: ${obstacle})` : "";

describe(`a group whose etcd has names${because}`, { skip: obstacle !== undefined }, () => {
  test("lives on when each member restarts in turn while no name can be looked up", async () => {
    await using cluster = await startEtcdCluster(3);
    await using resolver = await startNameServer();
    const endpoints = cluster.endpoints
      .map((endpoint, index) => {
        resolver.names.set(`etcd-${index}.test`, ["127.0.0.1"]);
        return endpoint.replace("127.0.0.1", `etcd-${index}.test`);
      })
      .join(",");
    const [first] = cluster.members;
    if (!first) throw new Error("no member of etcd");
    await using group = openGroup(first, { ttlSeconds: 6 });
    const nodes = ["a", "b"].map((name) => group.start(name, { endpoints, within: resolver.within }));
    const master = await group.masterAmong(nodes);
    for (const { name } of nodes) if (name !== master.name) await group.state(name, "ready");
    expect(resolver.asked).toBeGreaterThan(0);

    resolver.silent = true;
    const asked = resolver.asked;
    await sleep(10_000);
    for (const member of cluster.members) {
      await member.kill();
      await member.restart();
      await cluster.ready();
    }
    await sleep(2 * group.ttlMs);
    expect(resolver.asked).toBeGreaterThan(asked);
    expect(nodes.map(({ child }) => child.running)).toEqual([true, true]);
    expect(await group.master()).toBe(master.name);
    expect(group.journal.entries().filter(({ what }) => what === "master")).toHaveLength(1);
  });
});
