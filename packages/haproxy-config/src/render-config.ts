import { isIP } from "node:net";
import { checkDistinct } from "./distinct-ports.ts";
import { ipAddress, milliseconds, sectionName, socketPath, tcpPort, wholeNumber } from "./values.ts";

/** The names that `renderConfig` gives to what it configures, as the runtime API wants them. */
export const names = {
  frontend: "fe",
  backend: "be",
  slots: ["m0", "m1"],
  parking: "parking",
} as const;

/** The names of what belongs to the port whose connections are spread over several servers. */
export const poolNames: Readonly<{ frontend: string; backend: string; slots: readonly string[] }> = {
  frontend: "fe-pool",
  backend: "be-pool",
  slots: Array.from({ length: 16 }, (_, index) => `p${index}`),
};

/** The names of what belongs to one port: the first, number 0, has `names.frontend` and `names.backend`. */
export function portNames(index: number): { readonly frontend: string; readonly backend: string } {
  const suffix = index === 0 ? "" : String(index + 1);
  return { frontend: `${names.frontend}${suffix}`, backend: `${names.backend}${suffix}` };
}

/** A TCP port to listen on. */
export interface ListenPort {
  readonly port: number;
  /**
   * Descriptors of bound sockets that HAProxy inherits and listens on, instead of `port` and `addresses`. Each is used once; `port`
   * may then be another's too, on another address.
   */
  readonly descriptors?: readonly number[] | undefined;
}

export interface ConfigOptions extends ListenPort {
  /** Further ports, each with two slots of its own, named by `portNames(1)` and so on; default: none. */
  readonly morePorts?: readonly ListenPort[];
  /** A port whose connections are spread over up to 16 servers, the one with the fewest first; default: none. */
  readonly pool?: ListenPort | undefined;
  /** The IP addresses to listen on; default: `0.0.0.0`. `::` takes IPv4 too. */
  readonly addresses?: readonly string[];
  /** Where HAProxy makes its stats socket, mode 600. */
  readonly socketPath: string;
  /**
   * What HAProxy forwards. `tcp`: bytes. `http`: requests, each to the server of its moment, also when the client keeps its
   * connection; a request waits like a connection, and gets 503 in the end; servers get an `X-Forwarded-For`. Default: `tcp`.
   */
  readonly mode?: "tcp" | "http";
  /** How long a new connection waits for a master, in ms; 0 closes it at once. A whole number of ticks, rounded up. */
  readonly parkMs: number;
  /** `timeout connect`, and how often a waiting connection looks for a master, in ms; default: 100. */
  readonly tickMs?: number;
  /** How many connections may be open at once; more wait in the kernel. See `maxConnectionsFor`. */
  readonly maxConnections: number;
  /** How many threads HAProxy runs; default: 1. */
  readonly threads?: number;
  /** How long a session may be silent in both directions, in ms; default: a day. */
  readonly idleTimeoutMs?: number;
  /** How long a session that one side has closed may be silent, in ms. Default: `idleTimeoutMs`. */
  readonly halfClosedTimeoutMs?: number;
  /** After how much silence a TCP keepalive is sent on either side, in ms; default: a minute. */
  readonly keepaliveMs?: number;
  /**
   * How long data may stay unacknowledged before the connection is given up, in ms. Default: the kernel's own patience,
   * some 15 minutes. It also cuts a peer that does not read for so long: a client that pauses, a server that waits for
   * a lock.
   */
  readonly unacknowledgedMs?: number;
  /** Whether each session is logged when it ends. Failed ones always are, and those that waited when they are served. */
  readonly logSessions?: boolean;
  /** A port of 127.0.0.1 on which nothing listens, and none of those that are listened on; default: 1. */
  readonly parkingPort?: number;
  /** Whether every client begins with a header of the PROXY protocol; default: no. Others are then cut. */
  readonly acceptProxy?: boolean;
  /** The version of the PROXY protocol whose header each server gets first; default: none. */
  readonly sendProxy?: "v1" | "v2" | undefined;
}

const KEEPALIVE_TRIES = 3;
const HARD_STOP_MS = 30_000;
/** How long a client may take to send the head of a request. */
const REQUEST_HEAD_MS = 10_000;
/** How long a client may be silent between two requests. */
const BETWEEN_REQUESTS_MS = 60_000;
/** With parking switched off a lost packet should not fail a connection all the same. */
const LEAST_RETRIES = 3;

/**
 * Returns the text of a haproxy.cfg that sends all TCP or HTTP traffic on a port to the server that the runtime API puts into one of
 * the port's two slots, and lets connections wait while there is none. It stays as it is for the life of the process.
 * Logs to standard output, each line led by its level: `<5>…`.
 *
 * Pure. Throws a `TypeError` that says which option is not what was expected, or which two name the same port; no value can add
 * a line or a word.
 */
export function renderConfig(options: ConfigOptions): string {
  const { threads = 1, logSessions = false, morePorts = [] } = options;
  const mode = modeOf(options);
  const { idleTimeoutMs = 86_400_000, halfClosedTimeoutMs = idleTimeoutMs, keepaliveMs = 60_000 } = options;
  const maxConnections = wholeNumber("maxConnections", options.maxConnections, 1, 10_000_000);
  const idle = milliseconds("idleTimeoutMs", idleTimeoutMs);
  const halfClosed = milliseconds("halfClosedTimeoutMs", halfClosedTimeoutMs);
  const keepalive = Math.max(1, Math.round(milliseconds("keepaliveMs", keepaliveMs) / 1000));
  const probe = Math.max(1, Math.round(keepalive / (2 * KEEPALIVE_TRIES)));
  const text = `${[
    "global",
    `    stats socket ${socketPath("socketPath", options.socketPath)} mode 600 level admin`,
    `    log stdout format short local0 ${logSessions ? "info" : "notice"}`,
    `    maxconn ${maxConnections}`,
    `    nbthread ${wholeNumber("threads", threads, 1, 64)}`,
    "    noreuseport",
    `    hard-stop-after ${HARD_STOP_MS}ms`,
    "",
    "defaults",
    `    mode ${mode}`,
    "    log global",
    `    option ${mode}log`,
    "    option log-separate-errors",
    // What is logged then had to wait or failed; a wait is logged when it ends, not with its session.
    ...(logSessions ? [] : ["    option dontlog-normal", "    option logasap"]),
    "    option abortonclose",
    "    option clitcpka",
    `    clitcpka-idle ${keepalive}s`,
    `    clitcpka-intvl ${probe}s`,
    `    clitcpka-cnt ${KEEPALIVE_TRIES}`,
    "    option srvtcpka",
    `    srvtcpka-idle ${keepalive}s`,
    `    srvtcpka-intvl ${probe}s`,
    `    srvtcpka-cnt ${KEEPALIVE_TRIES}`,
    `    maxconn ${maxConnections}`,
    `    timeout client ${idle}ms`,
    `    timeout server ${idle}ms`,
    `    timeout client-fin ${halfClosed}ms`,
    `    timeout server-fin ${halfClosed}ms`,
    ...(mode === "http" ? httpLines(idle) : []),
    ...[options, ...morePorts].flatMap((port, index) =>
      renderPort(port, { ...portNames(index), slots: names.slots, balance: "roundrobin" }, options),
    ),
    ...(options.pool ? renderPort(options.pool, { ...poolNames, balance: "leastconn" }, options) : []),
  ].join("\n")}\n`;
  checkDistinct(options);
  return text;
}

function modeOf({ mode = "tcp" }: ConfigOptions): "tcp" | "http" {
  if (mode === "tcp" || mode === "http") return mode;
  throw new TypeError(`mode: expected tcp or http, got ${JSON.stringify(mode)}`);
}

/** What HTTP needs beside what TCP has; a connection that was upgraded, to a WebSocket, is a tunnel. */
function httpLines(idleMs: number): string[] {
  return [
    "    option forwardfor",
    // A slot gets another address: no request may go over a connection to the one before.
    "    http-reuse never",
    `    timeout http-request ${REQUEST_HEAD_MS}ms`,
    `    timeout http-keep-alive ${Math.min(idleMs, BETWEEN_REQUESTS_MS)}ms`,
    `    timeout tunnel ${idleMs}ms`,
  ];
}

interface Section {
  readonly frontend: string;
  readonly backend: string;
  readonly slots: readonly string[];
  readonly balance: "roundrobin" | "leastconn";
}

/** The lines for one port: where it listens, and its slots. */
function renderPort(
  { port, descriptors }: ListenPort,
  { frontend, backend, slots, balance }: Section,
  options: ConfigOptions,
): string[] {
  const { addresses = ["0.0.0.0"], tickMs = 100, parkingPort = 1 } = options;
  const listenPort = tcpPort("port", port);
  const parkMs = milliseconds("parkMs", options.parkMs, 0);
  const patience = acknowledgement(options.unacknowledgedMs);
  const binds = descriptors?.map(inherit) ?? addresses.map((address) => listenOn(address, listenPort));
  if (binds.length === 0) throw new TypeError("addresses: expected at least one IP address, got none");
  const accept = options.acceptProxy === true ? " accept-proxy" : "";
  const nowhere = `127.0.0.1:${tcpPort("parkingPort", parkingPort)}`;
  const header = proxyHeader(options.sendProxy);
  const slot = `${nowhere} disabled on-marked-down shutdown-sessions${patience}${header}`;
  return [
    "",
    `frontend ${frontend}`,
    ...binds.map((bind) => `    bind ${bind}${patience}${accept}`),
    `    default_backend ${backend}`,
    "",
    `backend ${backend}`,
    `    balance ${balance}`,
    "    option redispatch 1",
    `    retries ${retries(parkMs, milliseconds("tickMs", tickMs))}`,
    `    timeout connect ${tickMs}ms`,
    ...slots.map((name) => `    server ${sectionName("slot", name)} ${slot}`),
    ...(parkMs > 0 ? [`    server ${names.parking} ${nowhere} backup`] : []),
  ];
}

/**
 * How many connections fit a limit on open files: each takes two descriptors, and HAProxy needs some of its own.
 * At least 1 and at most `most`; throws a `TypeError` when the limit is too small for even one.
 */
export function maxConnectionsFor(
  openFiles: number,
  { threads = 1, most = 10_000_000 }: { readonly threads?: number; readonly most?: number } = {},
): number {
  const fits = Math.floor((openFiles - 40 - 6 * threads) / 2);
  if (fits >= 1) return Math.min(fits, most);
  throw new TypeError(`openFiles: expected at least ${42 + 6 * threads} descriptors, got ${openFiles}`);
}

function listenOn(value: string, port: number): string {
  const address = ipAddress("addresses", value);
  if (isIP(address) === 4) return `${address}:${port}`;
  return `[${address}]:${port} ${address === "::" ? "v4v6" : "v6only"}`;
}

function inherit(descriptor: number): string {
  return `fd@${wholeNumber("descriptors", descriptor, 3, 1_000)}`;
}

function proxyHeader(version: ConfigOptions["sendProxy"]): string {
  if (version === undefined) return "";
  if (version === "v1" || version === "v2") return version === "v1" ? " send-proxy" : " send-proxy-v2";
  throw new TypeError(`sendProxy: expected v1 or v2, got ${JSON.stringify(version)}`);
}

function acknowledgement(unacknowledgedMs: number | undefined): string {
  if (unacknowledgedMs === undefined) return "";
  return ` tcp-ut ${milliseconds("unacknowledgedMs", unacknowledgedMs)}ms`;
}

/** A refused or timed-out try takes one `timeout connect`; the wait before the next try never takes more than a second. */
function retries(parkMs: number, tickMs: number): number {
  return Math.max(LEAST_RETRIES, Math.ceil(parkMs / Math.min(tickMs, 1000)));
}
