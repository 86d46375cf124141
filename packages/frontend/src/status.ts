import type { Route, RuntimeApi, Switcher } from "@msdha/haproxy-config";
import { names, portNames } from "@msdha/haproxy-config";
import type { FrontendConfig, PortPair } from "./config.ts";
import type { MasterFollower } from "./follow-master.ts";
import type { ServedMaster } from "./guide.ts";
import type { HaproxyKeeper } from "./haproxy-keeper.ts";

/** What `msdha-frontend status` and `GET /status` tell. */
export interface FrontendStatus {
  readonly group: string;
  /** The first of the ports that are listened on. */
  readonly port: number;
  readonly ports: readonly PortPair[];
  /** The nodes that the port for readers goes to. */
  readonly readers: readonly string[];
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

/** What a status is made of. */
export interface FrontendParts {
  readonly config: Pick<FrontendConfig, "group" | "ports">;
  readonly haproxy: Pick<HaproxyKeeper, "running" | "version" | "pid" | "restarts">;
  readonly switcher: Pick<Switcher, "settled">;
  /** Whether HAProxy carries out what it is asked to. */
  readonly isObeyed: boolean;
  readonly served: ServedMaster | undefined;
  readonly route: Route;
  readonly master: Pick<MasterFollower, "following" | "proven">;
  readonly stop: AbortSignal;
  readonly switches: number;
  readonly readers: readonly string[];
  readonly traffic: Traffic | null;
}

/** Returns the status of a frontend. */
export function describeFrontend(parts: FrontendParts): FrontendStatus {
  const { config, haproxy, switcher, isObeyed, served, route, master, stop, switches, readers, traffic } =
    parts;
  const healthy = haproxy.running && isObeyed && traffic !== null;
  return {
    group: config.group,
    port: config.ports[0]?.listen ?? 0,
    ports: config.ports,
    readers,
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
