import type { Route, RuntimeApi, Switcher } from "@msdha/haproxy-config";
import { names } from "@msdha/haproxy-config";
import type { FrontendConfig } from "./config.ts";
import type { MasterFollower } from "./follow-master.ts";
import type { ServedMaster } from "./guide.ts";
import type { HaproxyKeeper } from "./haproxy-keeper.ts";

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

/** Asks HAProxy how many lines of its log it could not write; undefined while it can't be asked. */
export async function countDroppedLogLines(api: Pick<RuntimeApi, "showInfo">): Promise<number | undefined> {
  const info = await api.showInfo().catch(() => undefined);
  return info && (Number(info.get("DroppedLogs")) || 0);
}

/** What a status is made of. */
export interface FrontendParts {
  readonly config: Pick<FrontendConfig, "group" | "port">;
  readonly haproxy: Pick<HaproxyKeeper, "running" | "version" | "pid" | "restarts">;
  readonly switcher: Pick<Switcher, "settled">;
  /** Whether HAProxy carries out what it is asked to. */
  readonly isObeyed: boolean;
  readonly served: ServedMaster | undefined;
  readonly route: Route;
  readonly master: Pick<MasterFollower, "following" | "proven">;
  readonly stop: AbortSignal;
  readonly switches: number;
  readonly traffic: Traffic | null;
}

/** Returns the status of a frontend. */
export function describeFrontend(parts: FrontendParts): FrontendStatus {
  const { config, haproxy, switcher, isObeyed, served, route, master, stop, switches, traffic } = parts;
  const healthy = haproxy.running && isObeyed && traffic !== null;
  return {
    group: config.group,
    port: config.port,
    healthy,
    ready: healthy && route.kind === "serve",
    route: route.kind,
    master: served
      ? {
          name: served.name,
          address: served.address ?? null,
          token: served.token,
          since: new Date(served.since).toISOString(),
        }
      : null,
    following: master.following,
    proven: master.proven,
    stopping: stop.aborted,
    switches,
    haproxy: {
      running: haproxy.running,
      version: haproxy.version,
      pid: haproxy.pid,
      restarts: haproxy.restarts,
      settled: switcher.settled,
    },
    traffic,
  };
}
