import { Channel, type Client, connectivityState } from "@grpc/grpc-js";
import { Etcd3, type Services } from "etcd3";
import type { EtcdTarget, EtcdTlsFiles } from "./settings.ts";
import { trackSockets } from "./sockets.ts";

/** One connection to one member, opened by the first call. It is never opened again: what it leads to stays the same. */
export interface Connection {
  /** The client of one of etcd's gRPC services. */
  client(service: keyof typeof Services): Promise<Client>;
  /**
   * Runs what begins a call: the sockets that are opened on its account are the connection's own. Throws an `EtcdUnavailableError` once
   * it was closed.
   */
  run<T>(begin: () => T): T;
  /** How many bytes have come in so far. */
  readonly bytesRead: number;
  /** Whether it was open and is closed, or the last dial failed: the member is not there, or TLS does not come about. */
  readonly failed: boolean;
  /** What TLS failed with last, here or by an alert of the member's. */
  readonly tlsError: Error | undefined;
  /** Ends it and, with gRPC's UNAVAILABLE, every call on it, at once. Nothing of it is left behind. */
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
export function openConnection(target: EtcdTarget, tls?: EtcdTlsFiles): Connection {
  const sockets = trackSockets(target, tls);
  const channel = new Channel(target.dial, sockets.credentials, channelOptions);
  // All of etcd's services share the one channel, so there is one TCP connection for a member.
  const etcd = new PooledEtcd({ hosts: target.dial, grpcOptions: { channelOverride: channel } });
  return {
    client: (service) => etcd.client(service),
    run: (begin) => sockets.run(begin),
    get bytesRead() {
      return sockets.bytesRead;
    },
    get failed() {
      return sockets.ended || channel.getConnectivityState(false) === connectivityState.TRANSIENT_FAILURE;
    },
    get tlsError() {
      return sockets.tlsError;
    },
    close() {
      // gRPC closes in good order, which a silent peer never lets it finish.
      sockets.destroy();
      // @grpc/grpc-js 1.14 delivers an address in the next turn, also to a channel that was closed meanwhile: that one would dial for
      // ever.
      setImmediate(() => channel.close());
    },
  };
}

/** Reaches the pool, which etcd3 keeps to itself and its subclasses. */
class PooledEtcd extends Etcd3 {
  client(service: keyof typeof Services): Promise<Client> {
    return this.pool.withConnection(service, ({ client }) => client);
  }
}
