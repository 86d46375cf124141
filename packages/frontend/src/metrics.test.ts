import { describe, expect, it } from "vitest";
import { createMetrics, type FrontendMetrics, type Scrape } from "./metrics.ts";
import type { FrontendStatus } from "./status.ts";

const status: FrontendStatus = {
  group: "db",
  port: 5432,
  ports: [{ listen: 5432, target: 5432 }],
  readers: [],
  healthy: true,
  ready: true,
  route: "serve",
  master: { name: "a", address: "10.0.0.1", token: 7, since: "2026-01-01T00:00:00.000Z" },
  following: true,
  proven: true,
  stopping: false,
  switches: 3,
  haproxy: { running: true, version: "2.6.12", pid: 7, restarts: 1, settled: true },
  traffic: { sessions: 2, waiting: 1, connections: 9, bytesIn: 100, bytesOut: 200 },
};

const scrape: Scrape = {
  status,
  nodes: ["a", "b"],
  withoutMasterMs: 1_500,
  paused: true,
  heldNodes: 2,
  droppedLogLines: 0,
};

async function samples(metrics: FrontendMetrics, scraped: Scrape): Promise<readonly string[]> {
  const { text } = await metrics.render(scraped);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) =>
    line
      .replace("msdha_frontend_", "")
      .replace(/,?group="db"/, "")
      .replace("{,", "{")
      .replace("{}", ""),
  );
}

describe("createMetrics", () => {
  it("tells the status in Prometheus' words", async () => {
    const metrics = createMetrics("db");
    expect((await metrics.render(scrape)).type).toContain("text/plain");
    const values = await samples(metrics, scrape);
    expect(values.filter((line) => !line.startsWith("wait_seconds")).toSorted()).toEqual([
      "connections_total 9",
      "following 1",
      "haproxy_dropped_log_lines_total 0",
      "haproxy_restarts_total 1",
      "haproxy_up 1",
      "healthy 1",
      "held_nodes 2",
      'master{node="a"} 1',
      'master{node="b"} 0',
      "paused 1",
      "proven 1",
      "ready 1",
      "received_bytes_total 100",
      'route{route="drain"} 0',
      'route{route="none"} 0',
      'route{route="serve"} 1',
      "sent_bytes_total 200",
      "sessions 2",
      "switches_total 3",
      "waiting_connections 1",
      "without_master_seconds_total 1.5",
    ]);
  });

  it("says 0 for a master that there is not any more, and nothing for traffic that is not known", async () => {
    const metrics = createMetrics("db");
    await metrics.render(scrape);
    const lost: FrontendStatus = { ...status, ready: false, route: "none", master: null, traffic: null };
    const values = await samples(metrics, {
      ...scrape,
      status: lost,
      nodes: ["a"],
      droppedLogLines: undefined,
    });
    expect(values).toContain('master{node="a"} 0');
    expect(values).toContain("ready 0");
    expect(values).toContain("haproxy_up 0");
    expect(values).toContain("connections_total 9");
    expect(values.filter((line) => /^(?:sessions|waiting|master\{node="b)/.test(line))).toEqual([]);
  });

  it("counts waits by how they ended, from 0 on", async () => {
    const metrics = createMetrics("db");
    expect(await samples(metrics, scrape)).toContain('wait_seconds_count{outcome="in_vain"} 0');
    metrics.waited({ outcome: "served", waitedMs: 700, ageMs: 700 });
    metrics.waited({ outcome: "served", waitedMs: 3_000, ageMs: 3_000 });
    const values = await samples(metrics, scrape);
    expect(values).toContain('wait_seconds_bucket{le="1",outcome="served"} 1');
    expect(values).toContain('wait_seconds_sum{outcome="served"} 3.7');
  });

  it("gives no name room for a sample of its own, and no crowd of nodes a series for each", async () => {
    const metrics = createMetrics("db");
    const nodes = ['a"} 1\nforged 1', ...Array.from({ length: 1_000 }, (_, index) => `n${index}`)];
    const values = await samples(metrics, { ...scrape, nodes });
    expect(values.filter((line) => line.startsWith("forged"))).toEqual([]);
    expect(values.filter((line) => line.startsWith("master"))).toHaveLength(101);
  });
});
