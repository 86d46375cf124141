import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A server that sends its name to every client, and again for every message. */
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
