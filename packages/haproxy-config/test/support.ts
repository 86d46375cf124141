import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { type Child, getFreePort, startChild, tempDir, waitFor } from "@msdha/testkit";
import {
  type ConfigOptions,
  createRuntimeApi,
  type RuntimeApi,
  renderConfig,
  waitForRuntimeApi,
} from "../src/index.ts";

/** The HAProxy to test with: the one in the path, unless `MSDHA_TEST_HAPROXY` names another. */
const { MSDHA_TEST_HAPROXY: haproxyFile = "haproxy" } = process.env;

export interface TestHaproxy extends AsyncDisposable {
  readonly port: number;
  readonly api: RuntimeApi;
  readonly child: Child;
  /** Kills it and starts it again from the same configuration. */
  restart(): Promise<void>;
}

/** Starts a real HAProxy on a free port, from `renderConfig`'s text. */
export async function startHaproxy(options: Partial<ConfigOptions> = {}): Promise<TestHaproxy> {
  const folder = tempDir();
  const port = options.port ?? (await getFreePort());
  const socketPath = join(folder.path, "haproxy.sock");
  const config = join(folder.path, "haproxy.cfg");
  const defaults = { addresses: ["127.0.0.1"], parkMs: 20_000, maxConnections: 2_000, threads: 2 };
  await writeFile(config, renderConfig({ ...defaults, ...options, port, socketPath }));
  const api = createRuntimeApi(socketPath);
  const start = async (): Promise<Child> => {
    const started = startChild(haproxyFile, ["-db", "-f", config], { logFile: join(folder.path, "log") });
    await waitForRuntimeApi(api, { timeoutMs: 5_000 });
    return started;
  };
  let child = await start();
  return {
    port,
    api,
    get child() {
      return child;
    },
    restart: async () => {
      await child.kill();
      child = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await child.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A server that says its name to who connects, and its name again for every message. */
export interface NamedServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** How many connections it took. */
  readonly taken: number;
}

export async function startNamedServer(
  name: string,
  { address = "127.0.0.1", port = 0 }: { readonly address?: string; readonly port?: number } = {},
): Promise<NamedServer> {
  const sockets = new Set<Socket>();
  let taken = 0;
  const server = createServer((socket) => {
    taken += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", () => socket.write(name));
    socket.write(name);
  });
  server.listen(port, address);
  await once(server, "listening");
  return {
    address,
    port: portOf(server),
    get taken() {
      return taken;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("expected a TCP address");
  return address.port;
}

/** A client's session: `name` is what the server said first, `closed` resolves when the session has ended. */
export interface Session extends Disposable {
  readonly name: Promise<string>;
  readonly closed: Promise<void>;
  readonly open: boolean;
  /** Says something and resolves with the answer. */
  say(text: string): Promise<string>;
}

/** Connects and waits for the server to speak first; `name` rejects when the session ends before that. */
export function openSession(port: number, host = "127.0.0.1"): Session {
  const socket = connect({ port, host });
  const next = (): Promise<string> =>
    new Promise((resolve, reject) => {
      socket.once("data", (chunk) => resolve(chunk.toString()));
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("closed before anything was said")));
    });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const name = next();
  name.catch(() => {});
  return {
    name,
    closed,
    get open() {
      return !socket.destroyed;
    },
    say: (text) => {
      const answer = next();
      socket.write(text);
      return answer;
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** Connects, and resolves with the name of the server that answers. */
export async function askName(port: number, host?: string): Promise<string> {
  using session = openSession(port, host);
  return await session.name;
}

/**
 * A server that lets no connection through: packets to it are dropped, since its queue is full and nothing is ever
 * taken from it. The queue is filled by its own connections.
 */
export async function startBlackHole(
  address: string,
  port: number,
): Promise<Pick<Child, "running"> & AsyncDisposable> {
  const folder = tempDir();
  const script = `
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen(0)
held = []
for _ in range(3):
    c = socket.socket(); c.setblocking(False); c.connect_ex((sys.argv[1], int(sys.argv[2]))); held.append(c)
print("full", flush=True)
time.sleep(3600)
`;
  const child = startChild("python3", ["-c", script, address, String(port)], {
    logFile: join(folder.path, "log"),
  });
  await waitFor(() => child.log().includes("full"), { what: "the black hole" });
  return {
    get running() {
      return child.running;
    },
    [Symbol.asyncDispose]: async () => {
      await child.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Opens new connections at an even rate until it is stopped, and keeps what became of each. */
export interface Load {
  readonly results: readonly LoadResult[];
  /** Resolves when every connection that was opened has been answered. */
  stop(): Promise<readonly LoadResult[]>;
}

interface LoadResult {
  readonly openedAt: number;
  readonly answeredAt: number;
  /** The name of the server, or what went wrong. */
  readonly name: string;
  readonly failed: boolean;
}

export function startLoad(port: number, { perSecond }: { readonly perSecond: number }): Load {
  const results: LoadResult[] = [];
  const open = new Set<Promise<void>>();
  let due = performance.now();
  const timer = setInterval(() => {
    for (; due <= performance.now(); due += 1000 / perSecond) {
      const one = connectOnce(port, results).finally(() => open.delete(one));
      open.add(one);
    }
  }, 2);
  return {
    results,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      return results;
    },
  };
}

async function connectOnce(port: number, results: LoadResult[]): Promise<void> {
  const openedAt = performance.now();
  const outcome = await askName(port).then(
    (name) => ({ name, failed: false }),
    (error: unknown) => ({ name: String(error), failed: true }),
  );
  results.push({ openedAt, answeredAt: performance.now(), ...outcome });
}
