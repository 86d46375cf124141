import { describe, expect, it } from "vitest";
import { renderMetrics } from "./metrics.ts";
import { type FrontendStatus, readTraffic } from "./status.ts";

const status: FrontendStatus = {
  group: "db",
  port: 5432,
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

describe("renderMetrics", () => {
  it("tells the status in Prometheus' words", async () => {
    const { type, text } = await renderMetrics(status);
    expect(type).toContain("text/plain");
    const values = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(values.toSorted()).toEqual([
      'msdha_frontend_connections_total{group="db"} 9',
      'msdha_frontend_following{group="db"} 1',
      'msdha_frontend_haproxy_restarts_total{group="db"} 1',
      'msdha_frontend_haproxy_up{group="db"} 1',
      'msdha_frontend_healthy{group="db"} 1',
      'msdha_frontend_master{node="a",group="db"} 1',
      'msdha_frontend_proven{group="db"} 1',
      'msdha_frontend_received_bytes_total{group="db"} 100',
      'msdha_frontend_sent_bytes_total{group="db"} 200',
      'msdha_frontend_sessions{group="db"} 2',
      'msdha_frontend_switches_total{group="db"} 3',
      'msdha_frontend_waiting_connections{group="db"} 1',
    ]);
  });

  it("names no master while there is none, and no traffic while HAProxy can't be asked", async () => {
    const { text } = await renderMetrics({ ...status, ready: false, master: null, traffic: null });
    expect(text).not.toContain("node=");
    expect(text).not.toContain("msdha_frontend_sessions");
  });
});

describe("readTraffic", () => {
  it("takes for waiting who has come to the backend and is with no master", async () => {
    const row = { status: "", totalSessions: 9, bytesIn: 1, bytesOut: 2, connectionErrors: 0, retries: 0 };
    const rows = [
      { ...row, proxy: "fe", server: "FRONTEND", currentSessions: 5 },
      { ...row, proxy: "be", server: "m0", currentSessions: 2 },
      { ...row, proxy: "be", server: "m1", currentSessions: 1 },
      { ...row, proxy: "be", server: "BACKEND", currentSessions: 5 },
    ];
    const traffic = await readTraffic({ showStat: async () => rows });
    expect(traffic).toEqual({ sessions: 3, waiting: 2, connections: 9, bytesIn: 1, bytesOut: 2 });
  });
});
