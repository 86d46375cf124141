// A TCP proxy that delays and throttles what passes: slow-proxy.ts PORT HOST:PORT [PORT HOST:PORT ...]
// Its parent says how much by messages: { delayMs, jitterMs, bytesPerSecond }. Each chunk waits for the one before it,
// so that a stream stays in order while streams overtake each other.
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Slowness {
  readonly delayMs: number;
  /** Up to so much is added, by chance, to each chunk of each connection. */
  readonly jitterMs: number;
  /** 0: as fast as can be. */
  readonly bytesPerSecond: number;
  /** Whether every open connection is reset now. */
  readonly reset?: boolean;
}

let slowness: Slowness = { delayMs: 0, jitterMs: 0, bytesPerSecond: 0 };
const open = new Set<Socket>();

process.on("message", (message: Slowness) => {
  slowness = message;
  if (message.reset) for (const socket of open) socket.resetAndDestroy();
});
process.on("disconnect", () => process.exit());

const places = process.argv.slice(2);
for (let i = 0; i + 1 < places.length; i += 2) {
  const [listenPort = "", target = ""] = places.slice(i, i + 2);
  const [host = "", port] = target.split(":");
  createServer({ allowHalfOpen: true }, (client) => serve(client, host, Number(port))).listen(
    Number(listenPort),
  );
}

function serve(client: Socket, host: string, port: number): void {
  const server = connect({ host, port, noDelay: true, allowHalfOpen: true });
  client.setNoDelay(true);
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    open.add(from);
    from.on("error", () => to.resetAndDestroy());
    from.on("close", () => open.delete(from));
    forward(from, to).catch(() => to.resetAndDestroy());
  }
}

async function forward(from: Socket, to: Socket): Promise<void> {
  let last = Promise.resolve();
  for await (const chunk of from as AsyncIterable<Buffer>) {
    const { delayMs, jitterMs, bytesPerSecond } = slowness;
    const wait = delayMs + Math.random() * jitterMs;
    const due = wait > 0 ? sleep(wait) : undefined;
    const before = last;
    last = (async () => {
      await before;
      await due;
      to.write(chunk);
    })();
    last.catch(() => {});
    if (bytesPerSecond > 0) await sleep((chunk.length / bytesPerSecond) * 1000);
  }
  await last;
  to.end();
}
