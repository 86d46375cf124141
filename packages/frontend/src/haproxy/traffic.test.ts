import { describe, expect, it } from "vitest";
import { readTraffic } from "./traffic.ts";

describe("readTraffic", () => {
  it("counts connections in the backend that have no server yet as waiting", async () => {
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

  it("adds up all ports", async () => {
    const row = { status: "", totalSessions: 9, bytesIn: 1, bytesOut: 2, connectionErrors: 0, retries: 0 };
    const rows = ["", "2"].flatMap((suffix) => [
      { ...row, proxy: `fe${suffix}`, server: "FRONTEND", currentSessions: 5 },
      { ...row, proxy: `be${suffix}`, server: "m1", currentSessions: 1 },
      { ...row, proxy: `be${suffix}`, server: "BACKEND", currentSessions: 3 },
    ]);
    const traffic = await readTraffic({ showStat: async () => rows }, 2);
    expect(traffic).toEqual({ sessions: 2, waiting: 4, connections: 18, bytesIn: 2, bytesOut: 4 });
  });
});
