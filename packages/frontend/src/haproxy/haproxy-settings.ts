import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type ListenPort, maxConnectionsFor, renderConfig } from "@msdha/haproxy-config";
import { SettingsError } from "@msdha/settings";
import type { FrontendConfig } from "../config.ts";

/** What is left of the tick when a slot has drained, so that every try to connect has ended by then. */
const DRAIN_MARGIN_MS = 20;
const MOST_THREADS = 4;
/** Enough for most; a limit on open files of a thousand million is common, and HAProxy makes its tables from it. */
const MOST_CONNECTIONS = 50_000;

/** How HAProxy is set up. */
export interface HaproxySettings {
  /** A folder for HAProxy alone. */
  readonly folder: string;
  /** The text of haproxy.cfg. */
  readonly text: string;
  readonly configFile: string;
  readonly socketPath: string;
  readonly drainMs: number;
  readonly maxConnections: number;
}

/** What HAProxy's settings depend on besides what was asked for. */
export interface Machine {
  /** The addresses to listen on. */
  readonly addresses: readonly string[];
  /** Whether HAProxy inherits a socket for each port and address, in this order; else it listens by itself. */
  readonly inherits: boolean;
  /** The limit on open files. */
  readonly openFiles: number;
  /** A port of 127.0.0.1 that refuses connections. */
  readonly parkingPort: number;
}

/**
 * Works out HAProxy's settings on this machine. Throws a `SettingsError` when the limit on open files is too small
 * for the connections that are wanted.
 */
export function haproxySettings(
  config: FrontendConfig,
  { addresses, inherits, openFiles, parkingPort }: Machine,
): HaproxySettings {
  const threads = config.threads ?? Math.min(availableParallelism(), MOST_THREADS);
  const possible = maxConnectionsFor(openFiles, { threads });
  const maxConnections = config.maxConnections ?? Math.min(possible, MOST_CONNECTIONS);
  if (maxConnections > possible) {
    const expected = `at most ${possible}, for a limit of ${openFiles} open files`;
    throw new SettingsError([{ variable: "MSDHA_MAXCONN", expected, got: String(maxConnections) }]);
  }
  const folder = join(config.runDir, "haproxy");
  const socketPath = join(folder, "stats.sock");
  const listenOn = (port: number, index: number): ListenPort => ({
    port,
    descriptors: inherits ? addresses.map((_, at) => 3 + index * addresses.length + at) : undefined,
  });
  const [first, ...morePorts] = config.ports.map(({ listen }, index) => listenOn(listen, index));
  if (!first) throw new TypeError("ports: expected at least one, got none");
  const text = renderConfig({
    ...first,
    morePorts,
    pool: config.readPort === undefined ? undefined : listenOn(config.readPort, config.ports.length),
    addresses,
    socketPath,
    parkMs: config.parkMs,
    tickMs: config.tickMs,
    idleTimeoutMs: config.idleTimeoutMs,
    halfClosedTimeoutMs: config.halfClosedTimeoutMs ?? config.idleTimeoutMs,
    logSessions: config.logSessions,
    acceptProxy: config.acceptProxy,
    sendProxy: config.sendProxy,
    maxConnections,
    threads,
    parkingPort,
  });
  return {
    text,
    folder,
    configFile: join(folder, "haproxy.cfg"),
    socketPath,
    drainMs: config.tickMs + DRAIN_MARGIN_MS,
    maxConnections,
  };
}
