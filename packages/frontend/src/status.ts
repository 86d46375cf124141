import type { RuntimeApi } from "@msdha/haproxy-config";
import { names } from "@msdha/haproxy-config";

/** What `msdha-frontend status` and `GET /status` tell. */
export interface FrontendStatus {
  readonly group: string;
  readonly port: number;
  /** Whether connections are taken and go where they should, waiting for a master included. */
  readonly healthy: boolean;
  /** Whether there is a master that connections go to. */
  readonly ready: boolean;
  /** `serve`: new connections go to the master; `drain` and `none`: they wait. */
  readonly route: "serve" | "drain" | "none";
  readonly master: {
    readonly name: string;
    readonly address: string | null;
    readonly token: number;
    readonly since: string;
  } | null;
  /** Whether etcd's watch is followed. */
  readonly following: boolean;
  /** Whether a quorum of etcd has confirmed the master within 2 TTLs; while none has, new connections wait. */
  readonly proven: boolean;
  readonly stopping: boolean;
  readonly switches: number;
  readonly haproxy: {
    readonly running: boolean;
    readonly version: string;
    readonly pid: number;
    readonly restarts: number;
    /** Whether it does what the route says. */
    readonly settled: boolean;
  };
  /** null while HAProxy can't be asked. */
  readonly traffic: Traffic | null;
}

export interface Traffic {
  /** Sessions with a master. */
  readonly sessions: number;
  /** Connections that wait for one. */
  readonly waiting: number;
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Asks HAProxy for its counters; they begin anew with every HAProxy. */
export async function readTraffic(api: Pick<RuntimeApi, "showStat">): Promise<Traffic> {
  const rows = await api.showStat();
  const row = (proxy: string, server: string) =>
    rows.find((one) => one.proxy === proxy && one.server === server);
  const front = row(names.frontend, "FRONTEND");
  const behind = row(names.backend, "BACKEND")?.currentSessions ?? 0;
  const sessions = names.slots.reduce(
    (sum, slot) => sum + (row(names.backend, slot)?.currentSessions ?? 0),
    0,
  );
  return {
    sessions,
    waiting: Math.max(0, behind - sessions),
    connections: front?.totalSessions ?? 0,
    bytesIn: front?.bytesIn ?? 0,
    bytesOut: front?.bytesOut ?? 0,
  };
}
