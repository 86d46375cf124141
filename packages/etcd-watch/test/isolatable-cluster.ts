import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { type EtcdMember, getFreePorts, startEtcdMember, tempDir } from "@msdha/testkit";

/** Three members that reach each other only through relays of this process. */
export interface IsolatableCluster extends AsyncDisposable {
  readonly members: readonly EtcdMember[];
  /** Has every packet between this member and the others vanish; its clients still reach it. */
  isolate(index: number): void;
  /** Lets all of them talk again. */
  heal(): void;
}

interface Link {
  readonly from: number;
  readonly to: number;
  readonly sockets: readonly Socket[];
}

export async function startIsolatableCluster(): Promise<IsolatableCluster> {
  const folder = tempDir({ prefix: "msdha-etcd-" });
  const ports = await getFreePorts(9);
  const [clientPorts, peerPorts, relayPorts] = [ports.slice(0, 3), ports.slice(3, 6), ports.slice(6)];
  const links = new Set<Link>();
  const isolated = new Set<number>();
  const members: EtcdMember[] = [];
  const isCut = ({ from, to }: Link): boolean => isolated.has(from) || isolated.has(to);

  function relay(to: number): Server {
    return createServer((incoming) => {
      const from = members.findIndex(({ pid }) => holdsSocket(pid, incoming.remotePort ?? 0));
      const outgoing = connect(peerPorts[to] as number, "127.0.0.1");
      const link: Link = { from, to, sockets: [incoming, outgoing] };
      links.add(link);
      for (const [source, target] of [
        [incoming, outgoing],
        [outgoing, incoming],
      ] as const) {
        source.on("data", (chunk) => isCut(link) || target.write(chunk));
        source.on("error", () => {});
        source.on("close", () => {
          links.delete(link);
          target.destroy();
        });
      }
    }).listen(relayPorts[to], "127.0.0.1");
  }

  const relays = [0, 1, 2].map(relay);
  const initialCluster = relayPorts.map((port, index) => `m${index}=http://127.0.0.1:${port}`).join(",");
  for (const index of [0, 1, 2]) {
    members.push(
      startEtcdMember({
        ...{ name: `m${index}`, folder: join(folder.path, `m${index}`), initialCluster, tls: undefined },
        clientPort: clientPorts[index] as number,
        peerPort: peerPorts[index] as number,
        advertisedPeerPort: relayPorts[index] as number,
        ...{ extraArgs: [], heartbeatMs: undefined, electionMs: undefined },
      }),
    );
  }

  const cluster: IsolatableCluster = {
    members,
    isolate: (index) => {
      isolated.add(index);
    },
    heal: () => {
      // What was swallowed leaves holes in a connection's bytes: it has to be made anew.
      for (const link of [...links].filter(isCut)) for (const socket of link.sockets) socket.destroy();
      isolated.clear();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
      for (const { sockets } of links) for (const socket of sockets) socket.destroy();
      for (const server of relays) server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
  try {
    await Promise.all(members.map((member) => member.ready()));
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whether a process has the TCP socket with this local port on 127.0.0.1. */
function holdsSocket(pid: number, port: number): boolean {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  const row = rows.map((line) => line.trim().split(/\s+/)).find((columns) => columns[1] === local);
  if (!row) return false;
  const wanted = `socket:[${row[9]}]`;
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).some((fd) => {
    try {
      return readlinkSync(join(folder, fd)) === wanted;
    } catch {
      return false; // It was closed meanwhile.
    }
  });
}
