import { setTimeout as sleep } from "node:timers/promises";
import { type EtcdMember, startEtcd, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startStatusNode } from "./status-node.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

describe.concurrent("the checks of the status port", () => {
  it("says which node is the primary and which are replicas, to every kind of check", async () => {
    await using one = await startStatusNode(etcd, "status-two");
    await one.answers("/primary", 200);
    await using two = await startStatusNode(etcd, "status-two", { name: "two" });
    await two.answers("/replica", 200);
    for (const node of [one, two]) expect((await node.ask("/ready")).code).toBe(200);
    expect(await two.ask("/primary")).toEqual({ code: 503, text: "it is not the master\n" });
    expect(await one.ask("/replica")).toEqual({ code: 503, text: "it holds the lock\n" });
    expect((await two.ask("/replica?lag=1000000")).code).toBe(503);
    for (const method of ["HEAD", "OPTIONS"]) {
      expect((await one.ask("/primary", method)).code).toBe(200);
      expect((await two.ask("/primary", method)).code).toBe(503);
    }
    expect((await one.ask("/live")).code).toBe(200);
    expect(JSON.parse((await one.ask("/status")).text)).toMatchObject({
      node: "one",
      state: "master",
      master: "one",
    });
    one.child.send("SIGTERM");
    await two.answers("/primary", 200);
  });

  it("calls no node the primary that holds its traffic back, or that is about to end", async () => {
    await using one = await startStatusNode(etcd, "status-held", {
      env: { MSDHA_TRAFFIC: "after_hook" },
      hooks: { master: "sleep 1", pre_stop: "sleep 2" },
    });
    await waitFor(
      async () => (await one.ask("/primary").catch(() => undefined))?.text === "its master hook runs\n",
      {
        what: "the master hook",
        timeoutMs: 30_000,
        intervalMs: 5,
      },
    );
    await one.answers("/primary", 200);
    one.child.send("SIGTERM");
    await one.answers("/primary", 503);
    expect((await one.ask("/primary")).text).toBe("it is about to end\n");
    expect((await one.ask("/live")).code).toBe(200);
    await one.child.exited;
    expect(one.child.exit?.code).toBe(0);
  });

  it("calls no master the primary whose lock etcd has not confirmed for a TTL", async () => {
    await using other = await startEtcd();
    await using one = await startStatusNode(etcd, "status-frozen", {
      env: { ETCDCTL_ENDPOINTS: other.endpoint },
    });
    await one.answers("/primary", 200);
    other.freeze();
    const frozen = performance.now();
    let last = frozen;
    for (;;) {
      const asked = performance.now();
      const answer = await one.ask("/primary").catch(() => undefined);
      if (answer?.code === 200) last = asked;
      if (!answer || asked - frozen > 10_000) break;
      await sleep(5);
    }
    expect(last - frozen).toBeLessThan(3_000);
    other.thaw();
  });
});
