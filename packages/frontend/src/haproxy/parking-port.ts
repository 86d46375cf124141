import { connect } from "node:net";

/** Ports of services that hardly anybody runs any more; a plain user can't listen on them. */
const CANDIDATES = [1, 9, 11, 13, 15, 17, 19, 37, 43, 79];

/**
 * Finds a port of 127.0.0.1 that refuses connections: there HAProxy lets those wait who come while there is no
 * master. `own` are the ports on which this frontend is to listen: they may refuse connections only because it does not do so yet.
 * Nothing keeps somebody from listening there later.
 */
export async function findParkingPort(
  own: readonly number[],
  { candidates = CANDIDATES }: { readonly candidates?: readonly number[] } = {},
): Promise<number> {
  for (const port of candidates) {
    if (!own.includes(port) && (await isRefused(port))) return port;
  }
  throw new Error(
    `expected one of the ports ${candidates.join(", ")} of 127.0.0.1 to refuse connections, none did`,
  );
}

const PATIENCE_MS = 500;

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: PATIENCE_MS });
    const settle = (refused: boolean): void => {
      socket.destroy();
      resolve(refused);
    };
    socket.once("connect", () => settle(false));
    socket.once("timeout", () => settle(false));
    socket.once("error", (error: NodeJS.ErrnoException) => settle(error.code === "ECONNREFUSED"));
  });
}
