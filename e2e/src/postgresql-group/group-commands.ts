import type { Layout } from "./layout.ts";

/** Everything that a group is started with. */
export interface GroupSettings {
  readonly layout: Layout;
  readonly ttlSeconds: number;
  readonly password: string;
  readonly replicationPassword: string;
  /** What the nodes get besides. */
  readonly nodeSettings?: Readonly<Record<string, string>>;
}

/** A node of a group. */
export interface NodePlace {
  readonly name: string;
  readonly address: string;
  /** Its data, its run folder and its log are in here. */
  readonly folder: string;
  readonly logFile: string;
}

/** What one can do to a group, and to the etcd and the network that it needs. */
export interface GroupCommands {
  /** Starts etcd and resolves with where it is, when it answers. */
  open(settings: GroupSettings): Promise<{ readonly etcd: string }>;
  /** Starts all nodes and the frontend; does not wait for anything. */
  start(): Promise<void>;
  startNode(name: string): Promise<void>;
  /** Asks a node to stop, and does not start it again. Resolves when it has ended. */
  stopNode(name: string): Promise<void>;
  /** SIGKILL for everything of a node at once. It is not started again. */
  killNode(name: string): Promise<void>;
  /** SIGKILL for the main process alone. */
  crashMainProcess(name: string): Promise<void>;
  /** Has everything between this node and etcd vanish without a trace. */
  cutFromEtcd(name: string): Promise<void>;
  reconnectToEtcd(name: string): Promise<void>;
  stopEtcd(): Promise<void>;
  startEtcd(): Promise<void>;
  /** How often each node has ended so far. */
  countExits(): Promise<Readonly<Record<string, number>>>;
  /** From now on the group outlives the demo. Resolves with the id of the process to end it with. */
  detach(): Promise<number>;
}

export const GROUP_NAME = "demo";
export const SUPERUSER = "postgres";
export const DATABASE = "demo";

/** The nodes of a layout. */
export function placeNodes({ folder, addresses }: Layout): readonly NodePlace[] {
  return addresses.map((address, index) => {
    const name = `n${index + 1}`;
    return { name, address, folder: `${folder}/${name}`, logFile: `${folder}/${name}.log` };
  });
}
