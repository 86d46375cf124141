import { names, portNames, type RuntimeApi } from "@msdha/haproxy-config";
import type { Traffic } from "../proxy.ts";

/** Asks HAProxy for its counters, all ports added up; they begin anew with every HAProxy. */
export async function readTraffic(api: Pick<RuntimeApi, "showStat">, ports = 1): Promise<Traffic> {
  const rows = await api.showStat();
  const own = Array.from({ length: ports }, (_, index) => portNames(index));
  const frontends = own.map(({ frontend }) => frontend);
  const backends = own.map(({ backend }) => backend);
  const slots: readonly string[] = names.slots;
  const fronts = rows.filter(({ proxy, server }) => frontends.includes(proxy) && server === "FRONTEND");
  const behind = rows.filter(({ proxy, server }) => backends.includes(proxy) && server === "BACKEND");
  const served = rows.filter(({ proxy, server }) => backends.includes(proxy) && slots.includes(server));
  const sessions = sum(served.map((row) => row.currentSessions));
  return {
    sessions,
    waiting: Math.max(0, sum(behind.map((row) => row.currentSessions)) - sessions),
    connections: sum(fronts.map((row) => row.totalSessions)),
    bytesIn: sum(fronts.map((row) => row.bytesIn)),
    bytesOut: sum(fronts.map((row) => row.bytesOut)),
  };
}

/** Asks HAProxy how many lines of its log it could not write; undefined while it can't be asked. */
export async function countDroppedLogLines(api: Pick<RuntimeApi, "showInfo">): Promise<number | undefined> {
  const info = await api.showInfo().catch(() => undefined);
  return info && (Number(info.get("DroppedLogs")) || 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
