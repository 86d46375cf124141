import { setTimeout as sleep } from "node:timers/promises";
import { type EtcdMember, startEtcd } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startStatusNode } from "./status-node.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

describe.concurrent("the status port", () => {
  it("keeps neither the lease nor a stop waiting, however many ask", async () => {
    await using one = await startStatusNode(etcd, "status-flood", { env: { MSDHA_TTL: "5" } });
    await one.answers("/primary", 200);
    const over = new AbortController();
    const flood = Array.from({ length: 100 }, async () => {
      while (!over.signal.aborted) await one.ask("/metrics").catch(() => sleep(1));
    });
    await sleep(6_000);
    expect(one.child.running).toBe(true);
    one.child.send("SIGTERM");
    await one.child.exited;
    over.abort();
    await Promise.all(flood);
    expect(one.child.log()).toContain("handedOver=true");
    expect(one.child.exit?.code).toBe(0);
  });

  it("is refused with one line when the port is taken or is none", async () => {
    await using one = await startStatusNode(etcd, "status-taken");
    await one.answers("/live", 200);
    await using two = await startStatusNode(etcd, "status-taken", {
      name: "two",
      env: { MSDHA_STATUS_PORT: String(one.port) },
    });
    await two.child.exited;
    expect(two.child.exit?.code).toBe(73);
    expect(two.child.log()).toContain(`can't listen on MSDHA_STATUS_PORT ${one.port}: the port is in use`);
    const env = { MSDHA_STATUS_PORT: "http", MSDHA_STATUS_BIND: "localhost" };
    await using three = await startStatusNode(etcd, "status-taken", { name: "three", env });
    await three.child.exited;
    expect(three.child.exit?.code).toBe(78);
    expect(
      three.child
        .log()
        .split("\n")
        .filter((line) => line !== "")
        .toSorted(),
    ).toEqual([
      'msdha-backend: MSDHA_STATUS_BIND: expected * or an IP address, got "localhost"',
      'msdha-backend: MSDHA_STATUS_PORT: expected a whole number from 1 to 65535, got "http"',
    ]);
  });
});
