/** Where one member listens for clients. */
export interface EtcdEndpoint {
  /** `host:port`, an IPv6 address in brackets. */
  readonly address: string;
  /** Whether to speak TLS with it (`https`). */
  readonly secure: boolean;
}

/** Whom etcd is to take us for. */
export interface EtcdUser {
  readonly name: string;
  readonly password: string;
}

/** Paths of PEM files. They are read again for every new connection, so that certificates can be renewed in place. */
export interface EtcdTlsFiles {
  /** The certificate authorities to trust instead of the system's. */
  readonly ca?: string;
  /** The client's certificate and its key: both or neither. */
  readonly cert?: string;
  readonly key?: string;
}

/** How to reach an etcd. */
export interface EtcdSettings {
  /** At least one. The first is asked first. */
  readonly endpoints: readonly EtcdEndpoint[];
  readonly user?: EtcdUser;
  readonly tls?: EtcdTlsFiles;
}

/** The endpoints as URLs, comma-separated, without user and password. */
export function describeEndpoints({ endpoints }: EtcdSettings): string {
  return endpoints.map(({ address, secure }) => `${secure ? "https" : "http"}://${address}`).join(", ");
}
