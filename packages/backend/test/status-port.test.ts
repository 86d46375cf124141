import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  type Child,
  type EtcdMember,
  getFreePort,
  startChild,
  startEtcd,
  tempDir,
  waitFor,
} from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

interface StatusNode extends AsyncDisposable {
  readonly child: Child;
  readonly port: number;
  ask(path: string, method?: string): Promise<{ readonly code: number; readonly text: string }>;
  /** Resolves when a path is answered with this code. */
  answers(path: string, code: number): Promise<void>;
  metric(name: string, label?: string): Promise<number>;
}

interface NodeOptions {
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly hooks?: Readonly<Record<string, string>>;
}

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

async function startNode(group: string, options: NodeOptions = {}): Promise<StatusNode> {
  const { name = "one", env = {}, hooks = {} } = options;
  const folder = tempDir();
  const port = await getFreePort();
  const dir = join(folder.path, "hooks");
  mkdirSync(dir);
  for (const [hook, body] of Object.entries({ start: "exec sleep infinity", ...hooks })) {
    writeFileSync(join(dir, hook), `#!/bin/sh\n${body}\n`);
    chmodSync(join(dir, hook), 0o755);
  }
  const child = startChild(process.execPath, ["--conditions=@msdha/source", main], {
    logFile: join(folder.path, "log"),
    env: {
      PATH: process.env["PATH"],
      ETCDCTL_ENDPOINTS: etcd.endpoint,
      MSDHA_GROUP: group,
      MSDHA_NAME: name,
      MSDHA_TTL: "3",
      MSDHA_HOOKS_DIR: dir,
      MSDHA_RUN_DIR: join(folder.path, "run"),
      MSDHA_STATUS_PORT: String(port),
      MSDHA_STATUS_BIND: "127.0.0.1",
      ...env,
    },
  });
  const ask: StatusNode["ask"] = async (path, method = "GET") => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { code: response.status, text: await response.text() };
  };
  return {
    child,
    port,
    ask,
    answers: async (path, code) => {
      await waitFor(async () => (await ask(path).catch(() => undefined))?.code === code, {
        what: `${path} to be ${code} at ${name}`,
        timeoutMs: 30_000,
        intervalMs: 5,
      }).catch((error: Error) => {
        throw new Error(`${error.message}\n${child.log()}`, { cause: error });
      });
    },
    metric: async (metric, label = "") => {
      const lines = (await ask("/metrics")).text.split("\n");
      const line = lines.find((one) => one.startsWith(`msdha_backend_${metric}`) && one.includes(label));
      return Number(line?.split(" ").at(-1));
    },
    [Symbol.asyncDispose]: async () => {
      await child.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("the status port of a node", () => {
  it("says which node is the primary and which are replicas, to every kind of check", async () => {
    await using one = await startNode("status-two");
    await one.answers("/primary", 200);
    await using two = await startNode("status-two", { name: "two" });
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

  it("says how far a node is behind, to checks, Prometheus and etcd, as long as its hook does", async () => {
    await using one = await startNode("status-behind");
    await one.answers("/primary", 200);
    await using folder = tempDir();
    const lag = join(folder.path, "lag");
    writeFileSync(lag, "2048 catches up");
    await using two = await startNode("status-behind", {
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
    await using one = await startNode("status-metrics", { hooks: { master: "sleep 0.2" } });
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

  it("calls no node the primary that holds its traffic back, or that is about to end", async () => {
    await using one = await startNode("status-held", {
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
    await using one = await startNode("status-frozen", { env: { ETCDCTL_ENDPOINTS: other.endpoint } });
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

  it("keeps neither the lease nor a stop waiting, however many ask", async () => {
    await using one = await startNode("status-flood", { env: { MSDHA_TTL: "5" } });
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
    await using one = await startNode("status-taken");
    await one.answers("/live", 200);
    await using two = await startNode("status-taken", {
      name: "two",
      env: { MSDHA_STATUS_PORT: String(one.port) },
    });
    await two.child.exited;
    expect(two.child.exit?.code).toBe(73);
    expect(two.child.log()).toContain(`can't listen on MSDHA_STATUS_PORT ${one.port}: the port is in use`);
    const env = { MSDHA_STATUS_PORT: "http", MSDHA_STATUS_BIND: "localhost" };
    await using three = await startNode("status-taken", { name: "three", env });
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
