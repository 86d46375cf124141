import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { isIP, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { EtcdUnavailableError } from "./errors.ts";
import type { EtcdTarget, EtcdTlsFiles } from "./settings.ts";

/** The sockets of one connection: gRPC opens them and keeps them to itself. */
export interface TrackedSockets {
  /** To open a channel with. */
  readonly credentials: ChannelCredentials;
  /** Runs what may make gRPC dial. Throws an `EtcdUnavailableError` once the sockets were destroyed. */
  run<T>(begin: () => T): T;
  /** What came in on all of them so far. */
  readonly bytesRead: number;
  readonly tlsError: Error | undefined;
  /** Whether one was connected and has closed: no other is opened after it, as it could lead to another member. */
  readonly ended: boolean;
  /** Closes them in whatever state they are, those that are still dialling too, and every later one. */
  destroy(): void;
}

type SecureConnector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/** On whose account sockets are being opened. */
const dialling = new AsyncLocalStorage<(socket: Socket) => void>();
// gRPC shows a socket only once it is connected. One whose SYN gets no answer would stay for two minutes, and keep
// the process from ending.
subscribe("net.client.socket", (message) => dialling.getStore()?.((message as { socket: Socket }).socket));

/** Makes credentials for `target` that know every socket opened with them. Throws when a TLS file is no good. */
export function trackSockets(
  { host, name: member, secure }: EtcdTarget,
  tls: EtcdTlsFiles = {},
): TrackedSockets {
  const sockets = new Set<Socket>();
  const context = secure ? readSecureContext(tls) : undefined;
  const inner = context ? credentials.createFromSecureContext(context) : credentials.createInsecure();
  let closed = false;
  let ended = false;
  let bytesOfClosed = 0;
  let tlsError: Error | undefined;

  function track(socket: Socket): void {
    if (sockets.has(socket)) return;
    sockets.add(socket);
    // Node's HTTP/2 takes its own listener off before it ends the socket: a reset that comes then would be thrown.
    socket.on("error", () => {});
    socket.once("close", () => {
      if (sockets.delete(socket)) bytesOfClosed += socket.bytesRead;
    });
    if (!closed && !ended) return;
    // Node announces a socket before it connects it, and connects one all the same that was destroyed by then.
    if (socket.connecting || socket.pending) process.nextTick(() => socket.destroy());
    else socket.destroy();
  }

  async function secureSocket(socket: Socket): Promise<{ socket: Socket; secure: boolean }> {
    track(socket);
    if (!context) {
      endWith(socket);
      return { socket, secure: false };
    }
    // gRPC's own would set an IP address as the server's name, which Node warns of.
    const name = isIP(host) ? {} : { servername: host };
    const secured = connectTls({ socket, host, ...name, secureContext: context, ALPNProtocols: ["h2"] });
    secured.on("error", (error) => {
      tlsError = error;
    });
    await new Promise<void>((resolve, reject) => {
      secured.once("secureConnect", resolve);
      secured.once("error", reject);
      secured.once("close", () => reject(new Error("the connection was closed during the TLS handshake")));
    });
    endWith(socket);
    return { socket: secured, secure: true };
  }

  function endWith(socket: Socket): void {
    if (socket.closed) ended = true;
    socket.once("close", () => {
      ended = true;
    });
  }

  const tracking: ChannelCredentials = Object.create(inner, {
    _createSecureConnector: {
      value(...args: Parameters<ChannelCredentials["_createSecureConnector"]>): SecureConnector {
        const connector = inner._createSecureConnector(...args);
        return {
          connect: secureSocket,
          waitForReady: () => connector.waitForReady(),
          getCallCredentials: () => connector.getCallCredentials(),
          destroy: () => connector.destroy(),
        };
      },
    },
  });

  return {
    credentials: tracking,
    run(begin) {
      if (closed) throw new EtcdUnavailableError(`etcd at ${member}: the connection was closed`);
      return dialling.run(track, begin);
    },
    get bytesRead() {
      let sum = bytesOfClosed;
      for (const socket of sockets) sum += socket.bytesRead;
      return sum;
    },
    get tlsError() {
      return tlsError;
    },
    get ended() {
      return ended;
    },
    destroy() {
      closed = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The last one made: taking in the system's authorities takes 50 ms, and every connection asks. */
let lastContext: { readonly content: string; readonly context: SecureContext } | undefined;

/** The files are read for every connection, so that renewed ones are taken. */
function readSecureContext({ ca, cert, key }: EtcdTlsFiles): SecureContext {
  const files = [ca, cert, key].map((path) => (path === undefined ? undefined : readFileSync(path, "utf8")));
  const content = JSON.stringify(files);
  if (lastContext?.content === content) return lastContext.context;
  const [caPem, certPem, keyPem] = files;
  const context = createSecureContext({
    // Node trusts its own list; etcdctl, whose settings these are, trusts the system's.
    ca: caPem ?? [...getCACertificates("default"), ...getCACertificates("system")],
    ...(certPem !== undefined && { cert: certPem }),
    ...(keyPem !== undefined && { key: keyPem }),
  });
  lastContext = { content, context };
  return context;
}
