import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { Channel, type ChannelCredentials, type Client, connectivityState, credentials } from "@grpc/grpc-js";
import { Etcd3, type Services } from "etcd3";
import type { EtcdEndpoint, EtcdTlsFiles } from "./settings.ts";

/** One connection to one member, opened by the first call and opened again when the member closed it. */
export interface Connection {
  /** The client of one of etcd's gRPC services. */
  client(service: keyof typeof Services): Promise<Client>;
  /** How many bytes have come in so far. */
  readonly bytesRead: number;
  /** Whether the last dial failed: the member is not there, or TLS does not come about. */
  readonly failed: boolean;
  /** Ends it and, with `EtcdUnavailableError`, every call on it, at once. Nothing of it is left behind. */
  close(): void;
}

/**
 * - A channel with a subchannel pool of its own: the global one would hand the dead connection of a former client to
 *   a new one of the same address and options.
 * - Neither proxies nor TXT records may decide where a lock is kept.
 * - A message may be of any size: etcd puts all events of a revision into one.
 */
const channelOptions = {
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_channelz": 0,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
};

/** Makes a connection; it dials when the first call comes. Throws when a TLS file can't be read or is no PEM. */
export function openConnection({ address, secure }: EtcdEndpoint, tls: EtcdTlsFiles = {}): Connection {
  const sockets = trackSockets(secure ? sslCredentials(tls) : credentials.createInsecure());
  const channel = new Channel(address, sockets.credentials, channelOptions);
  // All of etcd's services share the one channel, so there is one TCP connection for a member.
  const etcd = new PooledEtcd({ hosts: address, grpcOptions: { channelOverride: channel } });
  return {
    client: (service) => etcd.client(service),
    get bytesRead() {
      return sockets.bytesRead();
    },
    get failed() {
      return channel.getConnectivityState(false) === connectivityState.TRANSIENT_FAILURE;
    },
    close() {
      channel.close();
      // gRPC closes in good order, which a peer that is silent never lets it finish.
      sockets.destroy();
    },
  };
}

/** Reaches the pool, which etcd3 keeps to itself and its subclasses. */
class PooledEtcd extends Etcd3 {
  client(service: keyof typeof Services): Promise<Client> {
    return this.pool.withConnection(service, ({ client }) => client);
  }
}

function sslCredentials({ ca, cert, key }: EtcdTlsFiles): ChannelCredentials {
  const read = (path: string | undefined): Buffer | null => (path === undefined ? null : readFileSync(path));
  return credentials.createSsl(read(ca), read(key), read(cert));
}

interface TrackedSockets {
  readonly credentials: ChannelCredentials;
  bytesRead(): number;
  destroy(): void;
}

/** Credentials that do what `inner` do and know the sockets that are secured with them. */
function trackSockets(inner: ChannelCredentials): TrackedSockets {
  const sockets = new Set<Socket>();
  let closed = false;
  let bytesOfClosed = 0;

  function track(socket: Socket): void {
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      bytesOfClosed += socket.bytesRead;
    });
    if (closed) socket.destroy();
  }

  const tracking: ChannelCredentials = Object.create(inner, {
    _createSecureConnector: {
      value: (...args: Parameters<ChannelCredentials["_createSecureConnector"]>) => {
        const connector = inner._createSecureConnector(...args);
        return {
          connect: (socket: Socket) => {
            track(socket);
            return connector.connect(socket);
          },
          waitForReady: () => connector.waitForReady(),
          getCallCredentials: () => connector.getCallCredentials(),
          destroy: () => connector.destroy(),
        };
      },
    },
  });

  return {
    credentials: tracking,
    bytesRead: () => [...sockets].reduce((sum, socket) => sum + socket.bytesRead, bytesOfClosed),
    destroy() {
      closed = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}
