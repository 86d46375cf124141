import { connect, createServer, type Socket } from "node:net";
import { undoAtExit } from "./cleanup.ts";
import { listen } from "./ports.ts";

/**
 * - `pass`: forwards everything.
 * - `silent`: a black hole. Connections stay open and new ones are taken, and nothing more is forwarded, as when a
 *   firewall drops packets. What was held back is forwarded when it passes again, in order.
 * - `silent-up`, `silent-down`: the same for what the client, or the server, sends.
 * - `refuse`: nobody listens, and what is open is reset.
 */
export type ProxyMode = "pass" | "silent" | "silent-up" | "silent-down" | "refuse";

/** A TCP proxy whose faults are switched at run time. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** `HOST:PORT`. */
  readonly address: string;
  readonly mode: ProxyMode;
  /** Switches the mode, for open connections too; resolves when it is in force. */
  setMode(mode: ProxyMode): Promise<void>;
  /** Resets every open connection. New ones are served as the mode says. */
  cut(): void;
  /** Resets each connection once the server has sent that many bytes on it, and again and again; 0: never. */
  cutEveryBytes(bytes: number): void;
  /** Delays every chunk by so many ms, in both directions; 0: not at all. */
  delayMs(ms: number): void;
  /** Has connections go elsewhere from now on; open ones stay where they are. */
  setTarget(port: number): void;
  readonly counters: {
    /** Connections taken so far. */
    readonly accepted: number;
    readonly open: number;
    /** Bytes forwarded from clients to the server. */
    readonly bytesUp: number;
    readonly bytesDown: number;
    /** Connections reset by `cut`, `cutEveryBytes` or `refuse`. */
    readonly cuts: number;
  };
}

/** What one side did: bytes, a close in good order, or a failure. All three are held back by a silent proxy. */
type Piece = Buffer | "end" | "reset";

interface Link {
  reset(): void;
  flush(): void;
  destroy(): void;
}

export interface TcpProxyOptions {
  /** Default: one of the system's choice. */
  readonly port?: number;
  /** A loopback address. Default: 127.0.0.1. */
  readonly host?: string;
  /**
   * Says, for each connection, how to tell whether it is silent at the moment, whatever the mode. Nothing is
   * forwarded before that is known; after it has changed, `setMode` sends on what was held back.
   */
  readonly silenced?: (client: Socket) => Promise<() => boolean>;
}

/** Starts a proxy on a free port that forwards to `targetPort` of 127.0.0.1. */
export async function startTcpProxy(
  targetPort: number,
  { port: wantedPort = 0, host = "127.0.0.1", silenced }: TcpProxyOptions = {},
): Promise<TcpProxy> {
  const counters = { accepted: 0, open: 0, bytesUp: 0, bytesDown: 0, cuts: 0 };
  const links = new Set<Link>();
  let target = targetPort;
  let mode: ProxyMode = "pass";
  let cutBytes = 0;
  let delay = 0;

  function serve(client: Socket): void {
    counters.accepted += 1;
    counters.open += 1;
    client.setNoDelay(true);
    const server = connect({ port: target, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    let isSilent = (): boolean => silenced !== undefined;
    const up = forward(
      client,
      server,
      () => isSilent() || mode === "silent-up",
      (bytes) => {
        counters.bytesUp += bytes;
      },
    );
    let down = 0;
    const back = forward(
      server,
      client,
      () => isSilent() || mode === "silent-down",
      (bytes) => {
        counters.bytesDown += bytes;
        down += bytes;
        if (cutBytes > 0 && down >= cutBytes) link.reset();
      },
    );
    const link: Link = {
      reset: () => {
        counters.cuts += 1;
        for (const socket of [client, server]) socket.resetAndDestroy();
      },
      flush: () => {
        up();
        back();
      },
      destroy: () => {
        for (const socket of [client, server]) socket.destroy();
      },
    };
    links.add(link);
    silenced?.(client).then(
      (tell) => {
        isSilent = tell;
        link.flush();
      },
      () => link.destroy(),
    );
    let halves = 2;
    for (const socket of [client, server]) {
      socket.on("close", () => {
        halves -= 1;
        if (halves > 0 || !links.delete(link)) return;
        counters.open -= 1;
      });
    }
  }

  /** Forwards one direction as the mode allows. Returns what sends on all that was held back. */
  function forward(
    from: Socket,
    to: Socket,
    isHeld: () => boolean,
    count: (bytes: number) => void,
  ): () => void {
    const held: Piece[] = [];
    const flush = (): void => {
      while (held.length > 0 && mode !== "silent" && !isHeld()) {
        const piece = held.shift();
        if (to.destroyed) continue;
        if (piece === "end") to.end();
        else if (piece === "reset") to.resetAndDestroy();
        else if (piece) {
          to.write(piece);
          count(piece.length);
        }
      }
    };
    const take = (piece: Piece): void => {
      const deliver = (): void => {
        held.push(piece);
        flush();
      };
      if (delay > 0) setTimeout(deliver, delay);
      else deliver();
    };
    from.on("data", take);
    from.on("end", () => take("end"));
    from.on("error", () => take("reset"));
    return flush;
  }

  const server = createServer({ allowHalfOpen: true }, serve);
  const port = await listen(server, wantedPort, host);
  const forget = undoAtExit(() => server.close());

  async function setMode(next: ProxyMode): Promise<void> {
    const before = mode;
    mode = next;
    if (next === "refuse" && before !== "refuse") {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const link of [...links]) link.reset();
      await closed;
    }
    if (before === "refuse" && next !== "refuse") await listen(server, port, host);
    for (const link of links) link.flush();
  }

  return {
    port,
    address: `${host}:${port}`,
    get mode() {
      return mode;
    },
    setMode,
    cut: () => {
      for (const link of [...links]) link.reset();
    },
    cutEveryBytes: (bytes) => {
      cutBytes = bytes;
    },
    delayMs: (ms) => {
      delay = ms;
    },
    setTarget: (next) => {
      target = next;
    },
    counters,
    async [Symbol.asyncDispose]() {
      forget();
      const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined;
      for (const link of [...links]) link.destroy();
      await closed;
    },
  };
}
