/** Where one member listens for clients. */
export interface EtcdEndpoint {
  /** `host:port`, an IPv6 address in brackets. */
  readonly address: string;
  /** Whether to speak TLS with it (`https`). */
  readonly secure: boolean;
}

/** Where a connection goes to. */
export interface EtcdTarget {
  /** What is dialled: `host:port`, or `address:port` where the host's address was looked up before. */
  readonly dial: string;
  /** The host whose certificate is expected. */
  readonly host: string;
  readonly secure: boolean;
  /** How messages name it: `host:port`, with the address behind it if that was looked up. */
  readonly name: string;
}

/** Returns the target that an endpoint is by itself, or at one address of its host. */
export function targetOf({ address, secure }: EtcdEndpoint, ip?: string): EtcdTarget {
  const [, host = address, port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (ip === undefined || ip === bare) return { dial: address, host: bare, secure, name: address };
  const dial = ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
  return { dial, host: bare, secure, name: `${address} (${ip})` };
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
