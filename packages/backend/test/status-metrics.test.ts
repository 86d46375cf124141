import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EtcdMember, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startStatusNode } from "./status-node.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

describe.concurrent("what the status port tells", () => {
  it("says how far a node is behind, to checks, Prometheus and etcd, as long as its hook does", async () => {
    await using one = await startStatusNode(etcd, "status-behind");
    await one.answers("/primary", 200);
    await using folder = tempDir();
    const lag = join(folder.path, "lag");
    writeFileSync(lag, "2048 catches up");
    await using two = await startStatusNode(etcd, "status-behind", {
      name: "two",
      hooks: { report: `echo "in state $MSDHA_STATE" >&2; cat ${lag}` },
      env: { MSDHA_REPORT_INTERVAL: "2" },
    });
    await two.answers("/replica?lag=2kB", 200);
    expect(await two.ask("/replica?lag=2047")).toEqual({ code: 503, text: "it is 2048 bytes behind\n" });
    expect((await two.ask("/replica?lag=many")).code).toBe(400);
    expect(await two.metric("behind_bytes")).toBe(2_048);
    expect(JSON.parse((await two.ask("/status")).text)).toMatchObject({
      behindBytes: 2_048,
      note: "catches up",
    });
    const report = async (): Promise<string> =>
      await etcd.etcdctl("get", "--print-value-only", "/msdha/status-behind/_report/two");
    await waitFor(async () => (await report()).trim() === '{"behind":2048,"note":"catches up"}', {
      what: "the report in etcd",
    });
    writeFileSync(lag, "how should I know");
    await two.answers("/replica?lag=1TB", 503);
    expect((await two.ask("/replica")).code).toBe(200);
    expect(await two.metric("behind_bytes")).toBeNaN();
    await waitFor(async () => (await report()) === "", { what: "the report to be taken away" });
    expect(two.child.log()).toMatch(/how far the node is behind is not known: the last line of hook report/);
    expect(two.child.log()).not.toMatch(/2048 catches up/);
  });

  it("tells Prometheus of the lease, etcd, and the hooks", async () => {
    await using one = await startStatusNode(etcd, "status-metrics", { hooks: { master: "sleep 0.2" } });
    await one.answers("/primary", 200);
    await waitFor(async () => (await one.metric("hook_seconds_count", 'hook="master"')) === 1, {
      what: "the hook",
    });
    expect(await one.metric("state{", 'state="master"')).toBe(1);
    expect(await one.metric("state{", 'state="ready"')).toBe(0);
    expect(await one.metric("master{")).toBe(1);
    expect(await one.metric("primary{")).toBe(1);
    expect(await one.metric("fencing_token")).toBeGreaterThan(0);
    expect(await one.metric("ttl_seconds")).toBe(3);
    const age = await one.metric("proof_age_seconds");
    const margin = await one.metric("kill_margin_seconds");
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThan(3);
    expect(margin).toBeGreaterThan(1.5);
    expect(margin).toBeLessThanOrEqual(5.25);
    expect(await one.metric("hook_seconds_sum", 'hook="master"')).toBeGreaterThan(0.15);
    expect(await one.metric("hook_failures_total", 'hook="master"')).toBe(0);
    expect(await one.metric("etcd_request_seconds_count", 'operation="lease_keep_alive"')).toBeGreaterThan(0);
    expect(await one.metric("node_state_change_queue")).toBe(0);
  });
});
