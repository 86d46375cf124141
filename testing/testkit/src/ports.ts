import { createServer, type Server } from "node:net";

/**
 * Finds `count` TCP ports of 127.0.0.1 that are free at this moment and differ from each other. Nothing keeps another
 * process from taking one before you do.
 */
export async function getFreePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    const ports: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const server = createServer();
      servers.push(server);
      ports.push(await listen(server));
    }
    return ports;
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** Finds one free TCP port of 127.0.0.1; see `getFreePorts`. */
export async function getFreePort(): Promise<number> {
  const [port] = await getFreePorts(1);
  return port as number;
}

/** Has `server` listen on a loopback address, on `port` or one of the system's choice, and resolves with the port. */
export function listen(server: Server, port = 0, host = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("expected a TCP address"));
      else resolve(address.port);
    });
  });
}
