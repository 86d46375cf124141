/**
 * Where connections go. A token tells one master's time from every other's: a master that comes back at the same address
 * has another one.
 *
 * - `serve`: to this address of the master. Sessions of any other master are cut.
 * - `drain`: nowhere, they wait; the sessions of the master with this token go on, those of any other are cut.
 * - `none`: nowhere, they wait; all sessions are cut.
 */
export type Route =
  | {
      readonly kind: "serve";
      readonly token: number;
      readonly address: string;
      readonly master: RoutedMaster;
    }
  | {
      readonly kind: "drain";
      readonly token: number;
      /** The master's last address; undefined while its name can't be resolved. */
      readonly address?: string | undefined;
      /** The master that connections wait for; undefined while it stops, or is not ready for them. */
      readonly master?: RoutedMaster | undefined;
    }
  | { readonly kind: "none" };

export interface RoutedMaster {
  readonly name: string;
  /** When it became master, as seen from here, in ms since 1970. */
  readonly since: number;
}

export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * A proxy that listens on the frontend's ports and carries out its routes. `haproxy/start-haproxy.ts` is the one that there
 * is; another one is another adapter with these calls. Disposing ends it, which cuts all sessions.
 */
export interface TcpProxy extends AsyncDisposable {
  /** The addresses that it listens on. */
  readonly addresses: readonly string[];
  readonly state: ProxyState;
  /** Sets where connections go from now on; overtakes the route before, also halfway. Never throws. */
  route(route: Route): void;
  /** Sets where readers go from now on; undefined: there is no port for readers. Never throws. */
  readonly routeReaders: ((servers: readonly ServerAddress[]) => void) | undefined;
  /**
   * Resolves when each session that had just begun has had its first answers, or has ended, or after 10 s. Rejects with the
   * reason of `signal`.
   */
  settleYoung(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Resolves with its counters, all ports added up. Rejects while it can't be asked. */
  traffic(): Promise<Traffic>;
  /** Resolves with how many lines of its log it could not write; undefined while it can't be asked. */
  droppedLogLines(): Promise<number | undefined>;
  /**
   * Refuses new connections. Resolves when the last session has ended, when the grace is over, or when `hurry` aborts. Never
   * rejects.
   */
  close(options: CloseOptions): Promise<void>;
}

export interface ProxyState {
  /** Whether it runs and answers. */
  readonly running: boolean;
  readonly version: string;
  readonly pid: number;
  /** How many times it was started again. */
  readonly restarts: number;
  /** Whether it is where the last route wants it. */
  readonly settled: boolean;
  /** Whether it carries out what it is asked to. */
  readonly obeys: boolean;
}

export interface CloseOptions {
  /** How long sessions may go on. */
  readonly graceMs: number;
  /** Ends the wait. */
  readonly hurry: AbortSignal;
}

/** What a proxy reports. */
export interface ProxyEvents {
  /** Called when it has settled on a route. */
  readonly onSettled: () => void;
  /** Called for each connection that had to wait for a master: when it is served, or when its session ends. */
  readonly onWait: (wait: ConnectionWait) => void;
}

/** One connection that waited for a master. */
export interface ConnectionWait {
  /** `in_vain`: the proxy closed it after `MSDHA_PARK`. `left`: the client went first. */
  readonly outcome: "served" | "in_vain" | "left";
  readonly waitedMs: number;
  /** How long ago the connection came, in ms. */
  readonly ageMs: number;
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

/** Whether two routes ask the same of a proxy. */
export function isSameRoute(a: Route, b: Route): boolean {
  if (a.kind === "none" || b.kind === "none") return a.kind === b.kind;
  if (a.kind !== b.kind || a.token !== b.token) return false;
  return a.kind !== "serve" || a.address === b.address;
}

/** The master that a route leads to, or that connections wait for. */
export function masterOf(route: Route): RoutedMaster | undefined {
  return route.kind === "none" ? undefined : route.master;
}
