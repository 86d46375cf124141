import net from "node:net";

/**
 * The ports, bound and held by this process for HAProxy to listen on. A HAProxy that ends does not close them: new
 * connections wait in the kernel for the next one. Disposing lets go of them.
 */
export interface HeldPorts extends Disposable {
  /** A descriptor for each address of the first port, then of the next one, to be inherited by HAProxy. */
  readonly descriptors: readonly number[];
}

/**
 * Binds each port on each address, without listening: HAProxy does that. Throws when one can't be bound, or when this
 * Node can't do it. Node's own servers accept what comes to a port that they hold, so this rests on a function of
 * `node:net` that Node keeps for its own module `cluster`.
 */
export function holdPorts(addresses: readonly string[], ports: readonly number[]): HeldPorts {
  const handles: Handle[] = [];
  const release = (): void => {
    for (const handle of handles.splice(0)) handle.close();
  };
  try {
    for (const port of ports) {
      for (const address of addresses) handles.push(bind(address, port));
    }
  } catch (error) {
    release();
    throw error;
  }
  const descriptors = handles.map(({ fd }) => fd);
  return { descriptors, [Symbol.dispose]: release };
}

interface Handle {
  readonly fd: number;
  close(): void;
  getsockname(name: { port?: number }): number;
}

type CreateServerHandle = (
  address: string,
  port: number,
  family: 4 | 6,
  fd: undefined,
  flags: number,
) => Handle | number;

/** libuv's own number for a socket that takes IPv6 only. */
const IPV6_ONLY = 1;

function bind(address: string, port: number): Handle {
  const { _createServerHandle: create } = net as unknown as { _createServerHandle?: CreateServerHandle };
  if (create === undefined) throw new Error("this Node can't bind a port without listening on it");
  const family = net.isIPv6(address) ? 6 : 4;
  const handle = create(address, port, family, undefined, address !== "::" && family === 6 ? IPV6_ONLY : 0);
  if (typeof handle === "number") throw new Error(`binding failed with code ${handle}`);
  const name: { port?: number } = {};
  // A port in use is reported only by a later call; until then the socket has no name.
  if (handle.fd >= 0 && handle.getsockname(name) === 0 && name.port === port) return handle;
  handle.close();
  throw new Error("the port is in use, or has no descriptor");
}
