import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { ListenError } from "./errors.ts";
import { createEventStreams, type EventStreams } from "./event-streams.ts";
import { closeWhenFlooded } from "./flood.ts";
import { createPace, type Pace } from "./pace.ts";
import type { Place } from "./place.ts";
import { plain, type Reply, type Routes } from "./routes.ts";

export interface ServeOptions {
  /** What the place is called in a `ListenError`, for example `MSDHA_STATUS_PORT 8080`. */
  readonly name: string;
}

/** What is open at once costs the process no more descriptors than these. */
const MOST_CONNECTIONS = 64;
/** Half of the connections are left to others. */
const MOST_STREAMS = 32;
/** More requests in a second than these wait their turn. */
const MOST_PER_SECOND = 100;
/** At more new connections in a second than these, those that are turned away included, the port is closed for a while. */
const MOST_NEW_PER_SECOND = 300;
/** A connection that asks nothing makes room for another one after this long. */
const IDLE_MS = 5_000;
/** A reply takes no longer than this. */
const REPLY_MS = 5_000;
const STREAM_LIFE_MS = 600_000;
const HEARTBEAT_MS = 15_000;
const MOST_UNREAD_BYTES = 2 * 1024 * 1024;
const METHODS = ["GET", "HEAD", "OPTIONS"];
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
};

/**
 * Answers HTTP requests at a place. Resolves when it listens; rejects with a `ListenError`. Disposing cuts every
 * connection. It takes 64 connections at once, 32 of them event streams, answers 100 requests a second, drops a connection
 * that asks nothing for 5 s, and one that asks again before it was answered, and closes for a second after 300 new
 * connections within one. The process may end while it listens.
 */
export async function serveRoutes(
  routes: Routes,
  place: Place,
  { name }: ServeOptions,
): Promise<AsyncDisposable> {
  const streams = createEventStreams({
    most: MOST_STREAMS,
    lifeMs: STREAM_LIFE_MS,
    heartbeatMs: HEARTBEAT_MS,
    mostUnreadBytes: MOST_UNREAD_BYTES,
  });
  const pace = createPace(MOST_PER_SECOND);
  const busy = new WeakSet<Socket>();
  const server = createServer(
    {
      keepAlive: true,
      requestTimeout: IDLE_MS,
      headersTimeout: IDLE_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      const { socket } = request;
      // Requests that are sent without waiting for answers would pile up here.
      if (busy.has(socket)) return void socket.destroy();
      busy.add(socket);
      response.once("close", () => busy.delete(socket));
      response.on("error", () => {});
      // A feed has thrown, or a reply is none: a code or a header that HTTP does not have.
      respond(request, response, { routes, streams, pace }).catch(() => {
        if (response.headersSent) response.destroy();
        else send(request, response, plain(500, "no reply that can be sent"));
      });
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.setTimeout(2 * IDLE_MS);
  await listen(server, place, name);
  server.on("error", () => {});
  server.unref();
  // A unix socket is open to this process's own user only.
  const calm = "port" in place ? closeWhenFlooded(server, place, MOST_NEW_PER_SECOND) : undefined;
  return {
    async [Symbol.asyncDispose]() {
      calm?.[Symbol.dispose]();
      streams[Symbol.dispose]();
      const closed = server.listening ? once(server, "close") : undefined;
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, place: Place, name: string): Promise<void> {
  const isFile = "path" in place;
  const umask = isFile ? process.umask(0o177) : undefined;
  try {
    const listening = once(server, "listening");
    server.listen(place);
    await listening;
  } catch (error) {
    throw new ListenError(name, (error as NodeJS.ErrnoException).code ?? String(error), { cause: error });
  } finally {
    if (umask !== undefined) process.umask(umask);
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { routes, streams, pace }: { readonly routes: Routes; readonly streams: EventStreams; readonly pace: Pace },
): Promise<void> {
  for (const [header, value] of Object.entries(HEADERS)) response.setHeader(header, value);
  await pace.turn();
  if (response.destroyed) return;
  const { pathname, searchParams } = readUrl(request.url);
  const feed = own(routes.feeds ?? {}, pathname);
  if (feed && request.method === "GET") {
    if (!streams.open(response, feed)) send(request, response, plain(503, "too many event streams"));
    return;
  }
  send(request, response, await reply(request.method, pathname, searchParams, routes));
}

async function reply(
  method: string | undefined,
  pathname: string,
  query: URLSearchParams,
  routes: Routes,
): Promise<Reply> {
  if (method === undefined || !METHODS.includes(method)) return plain(405, "GET, HEAD or OPTIONS");
  const answer = own(routes.answers, pathname);
  if (!answer) {
    if (own(routes.feeds ?? {}, pathname)) return plain(200, "an event stream");
    const paths = [...Object.keys(routes.answers), ...Object.keys(routes.feeds ?? {})];
    return plain(404, paths.join(" "));
  }
  const late = Promise.withResolvers<Reply>();
  const timer = setTimeout(() => late.resolve(plain(503, "no answer in time")), REPLY_MS);
  try {
    return await Promise.race([answer(query), late.promise]);
  } catch (error) {
    return plain(500, error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

function send(
  { method }: IncomingMessage,
  response: ServerResponse,
  { code, type, body, headers }: Reply,
): void {
  const withBody = method !== "OPTIONS";
  response.writeHead(code, {
    "content-type": type,
    allow: METHODS.join(", "),
    "content-length": withBody ? Buffer.byteLength(body) : 0,
    ...headers,
  });
  response.end(withBody ? body : undefined);
}

/** A target that is no path reads as one that is not there. */
function readUrl(target = "/"): { readonly pathname: string; readonly searchParams: URLSearchParams } {
  return URL.parse(target, "http://localhost") ?? new URL("http://localhost/invalid");
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
