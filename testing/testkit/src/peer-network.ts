import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { startTcpProxy } from "./tcp-proxy.ts";

/** What lies between the members of a cluster: a proxy before each one's port for its peers. */
export interface PeerNetwork extends AsyncDisposable {
  /** What the members' peers are to connect to, in the members' order. */
  readonly ports: readonly number[];
  /** Drops everything between this member and the others, in both directions and on new connections too. */
  isolate(index: number): Promise<void>;
  rejoin(index: number): Promise<void>;
}

/** `pidOf` returns the member's process: all connect from 127.0.0.1, so the process shows which member it is. */
export async function startPeerNetwork(
  peerPorts: readonly number[],
  pidOf: (index: number) => number | undefined,
): Promise<PeerNetwork> {
  const isolated = new Set<number>();
  const proxies = await Promise.all(
    peerPorts.map((port, to) =>
      startTcpProxy(port, {
        silenced: async (client) => {
          const from = peerPorts.findIndex((_, index) => owns(pidOf(index), client));
          return () => isolated.has(to) || isolated.has(from);
        },
      }),
    ),
  );
  const apply = async (): Promise<void> => {
    await Promise.all(proxies.map((proxy) => proxy.setMode("pass")));
  };
  return {
    ports: proxies.map(({ port }) => port),
    async isolate(index) {
      isolated.add(index);
      await apply();
    },
    async rejoin(index) {
      isolated.delete(index);
      await apply();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    },
  };
}

/** Whether the far end of `client` is a socket of the process. */
function owns(pid: number | undefined, { remotePort, localPort }: Socket): boolean {
  if (pid === undefined || remotePort === undefined || localPort === undefined) return false;
  const hex = (port: number): string => `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const row = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([, local, remote]) => local === hex(remotePort) && remote === hex(localPort));
  const inode = row?.[9];
  return inode !== undefined && inode !== "0" && socketsOf(pid).includes(`socket:[${inode}]`);
}

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(`${folder}/${fd}`)];
      } catch {
        return []; // Closed in the meantime.
      }
    });
  } catch {
    return []; // The process has ended.
  }
}
