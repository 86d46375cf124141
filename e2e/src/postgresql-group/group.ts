import { type EtcdMember, startEtcd, startTcpProxy, type TcpProxy } from "@msdha/testkit";
import type { GroupCommands, GroupSettings, NodePlace } from "./group-commands.ts";
import { placeNodes } from "./group-commands.ts";
import { createFrontend, createNode } from "./group-processes.ts";
import { killFamily, type ProcessFamily } from "./process-tree.ts";
import type { RestartedProcess } from "./restarted-process.ts";
import { endServer, findServer } from "./server-end.ts";
import { noteSharedMemory } from "./server-memory.ts";

/** A node, the connection that it has to etcd, and the process that is kept running. */
interface RunningNode {
  readonly place: NodePlace;
  readonly network: TcpProxy;
  readonly process: RestartedProcess;
  readonly family: () => ProcessFamily;
}

/** The group itself, in the process that looks after it. Disposing ends it all at once and leaves nothing behind. */
export function createGroup(): Omit<GroupCommands, "detach"> & AsyncDisposable {
  const nodes = new Map<string, RunningNode>();
  const undo = new AsyncDisposableStack();
  /** Removes what crashed servers left, unless their next start has done so. */
  const leftMemory: (() => Promise<void>)[] = [];
  let etcd: EtcdMember | undefined;
  let frontend: RestartedProcess | undefined;

  function node(name: string): RunningNode {
    const found = nodes.get(name);
    if (!found) throw new Error(`there is no node ${name}`);
    return found;
  }

  async function kill({ process, family }: RunningNode): Promise<void> {
    process.letEnd();
    await killFamily(family());
    await process.ended();
  }

  async function end(node: RunningNode): Promise<void> {
    const { place, process } = node;
    process.letEnd();
    await endServer(`${place.folder}/data`, process.pid);
    await kill(node);
  }

  async function open(settings: GroupSettings): Promise<{ etcd: string }> {
    // One member is enough here: what the demo shows is the group. The loss of etcd's members is for the tests.
    etcd = undo.use(await startEtcd());
    for (const place of placeNodes(settings.layout)) {
      const network = undo.use(await startTcpProxy(etcd.clientPort));
      const process = createNode(settings, place, network.address);
      const family = (): ProcessFamily => ({
        pid: process.pid,
        setting: `MSDHA_RUN_DIR=${place.folder}/run`,
        folder: `${place.folder}/data`,
      });
      nodes.set(place.name, { place, network, process, family });
    }
    undo.defer(async () => {
      await Promise.all([...nodes.values()].map(end));
      for (const remove of leftMemory) await remove();
    });
    const proxy = createFrontend(settings, etcd.endpoint);
    frontend = proxy;
    undo.defer(async () => {
      proxy.letEnd();
      const { folder } = settings.layout;
      await killFamily({ pid: proxy.pid, setting: `MSDHA_RUN_DIR=${folder}/f`, folder: `${folder}/f` });
      await proxy.ended();
    });
    return { etcd: etcd.endpoint };
  }

  return {
    open,
    async start() {
      frontend?.start();
      for (const { process } of nodes.values()) process.start();
    },
    async startNode(name) {
      node(name).process.start();
    },
    async stopNode(name) {
      const { process: supervised } = node(name);
      supervised.letEnd();
      if (supervised.pid !== undefined) process.kill(supervised.pid, "SIGTERM");
      await supervised.ended();
    },
    killNode: (name) => kill(node(name)),
    async crashMainProcess(name) {
      const pid = await findServer(`${node(name).place.folder}/data`);
      if (pid === undefined) throw new Error(`expected a server on ${name}, found none`);
      leftMemory.push(await noteSharedMemory([pid]));
      process.kill(pid, "SIGKILL");
    },
    cutFromEtcd: (name) => node(name).network.setMode("silent"),
    reconnectToEtcd: (name) => node(name).network.setMode("pass"),
    async stopEtcd() {
      await etcd?.kill();
    },
    async startEtcd() {
      await etcd?.restart();
      await etcd?.ready();
    },
    async countExits() {
      return Object.fromEntries([...nodes].map(([name, { process }]) => [name, process.exits]));
    },
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}
