import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { ListenError, RunDirTakenError } from "./errors.ts";
import { renderMetrics } from "./metrics.ts";
import { STATUS_SOCKET } from "./run-dir.ts";
import type { FrontendStatus } from "./status.ts";

export interface StatusServerOptions {
  readonly runDir: string;
  /** A TCP port to answer on too. */
  readonly port: number | undefined;
  /** The IP address of that port; default: all. */
  readonly address?: string | undefined;
}

/** Anybody may reach the port: what is open there at once costs the frontend no more descriptors than these. */
const MOST_CONNECTIONS = 64;
/** A connection that asks nothing makes room for another one after this long. */
const IDLE_MS = 5_000;

/**
 * Answers `GET /status` (JSON), `/health` and `/ready` (200 or 503) and `/metrics` (Prometheus) on a unix socket of
 * the run folder and, if wanted, on a TCP port. Rejects with a `RunDirTakenError` when another frontend answers on
 * the socket, and with a `ListenError` for the port. Disposing stops it.
 */
export async function serveStatus(
  readStatus: () => Promise<FrontendStatus>,
  { runDir, port, address }: StatusServerOptions,
): Promise<AsyncDisposable> {
  const path = join(runDir, STATUS_SOCKET);
  if (await answers(path)) throw new RunDirTakenError(runDir);
  await rm(path, { force: true });
  const listener = answer(readStatus);
  await using servers = new AsyncDisposableStack();
  const umask = process.umask(0o177);
  try {
    servers.use(await listen(listener, { path }, path));
  } finally {
    process.umask(umask);
  }
  if (port !== undefined)
    servers.use(await listen(listener, { port, host: address }, `MSDHA_STATUS_PORT ${port}`));
  const kept = servers.move();
  return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function answer(readStatus: () => Promise<FrontendStatus>): RequestListener {
  return (request, response) => {
    const send = (code: number, type: string, body: string): void => {
      response.writeHead(code, { "content-type": type, "cache-control": "no-store" }).end(body);
    };
    const reply = async (): Promise<void> => {
      const { pathname } = new URL(request.url ?? "/", "http://localhost");
      const status = await readStatus();
      const json = `${JSON.stringify(status)}\n`;
      if (request.method !== "GET" && request.method !== "HEAD") return send(405, "text/plain", "GET only\n");
      switch (pathname) {
        case "/status":
          return send(200, "application/json", json);
        case "/health":
          return send(status.healthy ? 200 : 503, "application/json", json);
        case "/ready":
          return send(status.ready ? 200 : 503, "application/json", json);
        case "/metrics": {
          const { type, text } = await renderMetrics(status);
          return send(200, type, text);
        }
        default:
          return send(404, "text/plain", "/status /health /ready /metrics\n");
      }
    };
    reply().catch((error: unknown) => send(500, "text/plain", `${String(error)}\n`));
  };
}

async function listen(
  listener: RequestListener,
  where: { readonly path: string } | { readonly port: number; readonly host: string | undefined },
  name: string,
): Promise<AsyncDisposable> {
  const server = createServer(
    {
      keepAlive: true,
      requestTimeout: IDLE_MS,
      headersTimeout: IDLE_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: 1_000,
    },
    listener,
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.setTimeout(2 * IDLE_MS);
  server.listen(where);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new ListenError(name, (error as NodeJS.ErrnoException).code ?? String(error), { cause: error });
  }
  server.on("error", () => {});
  return { [Symbol.asyncDispose]: () => close(server) };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (there: boolean): void => {
      socket.destroy();
      resolve(there);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
