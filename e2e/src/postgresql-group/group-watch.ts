import { setTimeout as sleep } from "node:timers/promises";
import { Etcd3 } from "etcd3";
import { GROUP_NAME, type NodePlace } from "./group-commands.ts";
import { type ServerState, watchServer } from "./server-watch.ts";
import type { Access } from "./writer.ts";

/** A node as it looks from outside: what etcd says about it, and what its PostgreSQL says. */
export interface NodeView {
  readonly name: string;
  readonly address: string;
  /** Empty where the node has no key. */
  readonly state: string;
  readonly isMaster: boolean;
  readonly server: ServerState | undefined;
}

export interface GroupView {
  readonly nodes: readonly NodeView[];
  /** The node that the lock names and whose own key says `master`. */
  readonly master: NodeView | undefined;
  /** Rises with each election; 0 before the first. */
  readonly token: number;
  readonly etcdAnswers: boolean;
}

export interface GroupWatch extends AsyncDisposable {
  /** The latest look at the group, at most some 200 ms old while etcd answers. */
  readonly view: GroupView;
}

const INTERVAL_MS = 100;
const ETCD_TIMEOUT_MS = 1_000;
const PREFIX = `/msdha/${GROUP_NAME}/`;

/** Looks at the group all the time, for the table and to see when it is whole again. It decides nothing. */
export function watchGroup(etcd: string, nodes: readonly NodePlace[], access: Access): GroupWatch {
  const stop = new AbortController();
  const client = new Etcd3({
    hosts: etcd,
    defaultCallOptions: () => ({ deadline: Date.now() + ETCD_TIMEOUT_MS }),
  });
  const servers = nodes.map(({ address }) => watchServer({ ...access, host: address }));
  let keys: Readonly<Record<string, string>> = {};
  let token = 0;
  let etcdAnswers = false;

  async function look(): Promise<void> {
    const range = await client.getAll().prefix(PREFIX).exec();
    const found = range.kvs.map(
      ({ key, value }) => [String(key).slice(PREFIX.length), String(value)] as const,
    );
    keys = Object.fromEntries(found);
    const lock = range.kvs.find(({ key }) => String(key) === `${PREFIX}_lock`);
    if (lock) token = Number(lock.create_revision);
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      etcdAnswers = await look().then(
        () => true,
        () => false,
      );
      await sleep(INTERVAL_MS);
    }
  }
  void run();

  return {
    get view() {
      const holder = lockHolder(keys["_lock"]);
      const views = nodes.map(({ name, address }, index): NodeView => {
        const state = keys[name] ?? "";
        const isMaster = name === holder && state === "master";
        return { name, address, state, isMaster, server: servers[index]?.state };
      });
      return { nodes: views, master: views.find(({ isMaster }) => isMaster), token, etcdAnswers };
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      for (const server of servers) server.stop();
      client.close();
    },
  };
}

function lockHolder(lock: string | undefined): string | undefined {
  if (lock === undefined) return undefined;
  return (JSON.parse(lock) as { node: string }).node;
}
