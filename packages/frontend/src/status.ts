import type { FrontendConfig, PortPair } from "./config.ts";
import type { MasterFollower } from "./follow-master.ts";
import { masterOf, type ProxyState, type Route, type Traffic } from "./proxy.ts";

/** What `msdha-frontend status` and `GET /status` show. */
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
  /** null while the proxy can't be asked. */
  readonly traffic: Traffic | null;
}

/** What a status is made of. */
export interface FrontendParts {
  readonly config: Pick<FrontendConfig, "group" | "ports">;
  readonly proxy: ProxyState;
  readonly route: Route;
  readonly master: Pick<MasterFollower, "following" | "proven">;
  readonly stop: AbortSignal;
  readonly switches: number;
  readonly readers: readonly string[];
  readonly traffic: Traffic | null;
}

/** Returns the status of a frontend. */
export function describeFrontend(parts: FrontendParts): FrontendStatus {
  const { config, proxy, route, master, stop, switches, readers, traffic } = parts;
  const { running, version, pid, restarts, settled } = proxy;
  const healthy = running && proxy.obeys && traffic !== null;
  return {
    group: config.group,
    port: config.ports[0]?.listen ?? 0,
    ports: config.ports,
    readers,
    healthy,
    ready: healthy && route.kind === "serve",
    route: route.kind,
    master: servedMaster(route),
    following: master.following,
    proven: master.proven,
    stopping: stop.aborted,
    switches,
    haproxy: { running, version, pid, restarts, settled },
    traffic,
  };
}

function servedMaster(route: Route): FrontendStatus["master"] {
  const master = masterOf(route);
  if (!master || route.kind === "none") return null;
  return {
    name: master.name,
    address: route.address ?? null,
    token: route.token,
    since: new Date(master.since).toISOString(),
  };
}
