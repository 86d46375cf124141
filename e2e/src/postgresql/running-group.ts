import { readFile, rm } from "node:fs/promises";
import { waitFor } from "@msdha/testkit";
import { Etcd3 } from "etcd3";
import pg from "pg";
import { createGroup } from "../postgresql-group/group.ts";
import {
  DATABASE,
  GROUP_NAME,
  type GroupCommands,
  type NodePlace,
  placeNodes,
  SUPERUSER,
} from "../postgresql-group/group-commands.ts";
import { type GroupWatch, watchGroup } from "../postgresql-group/group-watch.ts";
import { makeLayout } from "../postgresql-group/layout.ts";
import { type Access, startWriter, TABLE, type Writer } from "../postgresql-group/writer.ts";
import { runMsdha } from "../support/msdha.ts";

const PASSWORD = "it's a:secret\\";
export const TTL_SECONDS = 2;
const PATIENCE_MS = 60_000;

/** A whole group as processes: nodes with the hooks, etcd, a frontend, and clients that write through it. */
export interface RunningGroup extends AsyncDisposable {
  readonly group: Omit<GroupCommands, "detach">;
  readonly watch: GroupWatch;
  readonly nodes: readonly string[];
  readonly writer: Writer;
  readonly master: string;
  /** Resolves when another node than this one is the master and every client writes. */
  masterAfter(former: string): Promise<string>;
  /** Resolves when the group has a master, all others stream from it, and every client writes. */
  whole(): Promise<void>;
  /** Resolves when every client has had a row acknowledged that it sent from now on. */
  served(): Promise<void>;
  /** How many of all rows that were ever acknowledged are not there. */
  missingRows(): Promise<number>;
  /** The first column of the first row, of this node. */
  sql(node: string, statement: string): Promise<string>;
  /** What the group knows of who is in sync. */
  record(): Promise<string>;
  log(node: string): Promise<string>;
  /** What `msdha history` prints. */
  history(): Promise<string>;
}

/** Starts one, and resolves when it is whole. */
export async function startRunningGroup(
  nodeSettings: Readonly<Record<string, string>>,
  { nodes: count = 3 }: { readonly nodes?: number } = {},
): Promise<RunningGroup> {
  await using undo = new AsyncDisposableStack();
  const layout = await makeLayout(count);
  undo.defer(() => rm(layout.folder, { recursive: true, force: true, maxRetries: 5 }));
  const group = undo.use(createGroup());
  const settings = {
    ...{ layout, ttlSeconds: TTL_SECONDS, password: PASSWORD, replicationPassword: PASSWORD },
    nodeSettings,
  };
  const { etcd } = await group.open(settings);
  const nodes = placeNodes(layout);
  const { port, frontendAddress } = layout;
  const access: Access = {
    ...{ host: frontendAddress, port, user: SUPERUSER, password: PASSWORD, database: DATABASE },
  };
  const watch = undo.use(watchGroup(etcd, nodes, access));
  const client = new Etcd3({ hosts: etcd });
  undo.defer(() => client.close());
  await group.start();
  await waitFor(
    () => ask(access, `CREATE TABLE IF NOT EXISTS ${TABLE} (id bigint PRIMARY KEY)`).then(() => true),
    {
      ...{ what: "the first table", timeoutMs: PATIENCE_MS },
    },
  );
  const writer = undo.use(startWriter(access));
  const acknowledged: number[] = [];

  const place = (name: string): NodePlace => {
    const found = nodes.find((node) => node.name === name);
    if (!found) throw new Error(`there is no node ${name}`);
    return found;
  };
  async function served(): Promise<void> {
    const since = performance.now();
    await waitFor(() => writer.meter.allServedSince(since), {
      ...{ what: "all clients to be served", timeoutMs: PATIENCE_MS },
    });
  }
  const isWhole = (): boolean => {
    const { master } = watch.view;
    const standbys = master?.server?.standbys;
    return (
      standbys !== undefined &&
      watch.view.nodes.every(
        ({ name, state }) => name === master?.name || (state === "ready" && name in standbys),
      )
    );
  };

  const running: RunningGroup = {
    ...{ group, watch, writer, served },
    nodes: nodes.map(({ name }) => name),
    get master() {
      const { master } = watch.view;
      if (!master) throw new Error("expected a master, found none");
      return master.name;
    },
    async masterAfter(former) {
      const name = await waitFor(
        () => (watch.view.master?.name === former ? undefined : watch.view.master?.name),
        { what: `another master than ${former}`, timeoutMs: PATIENCE_MS },
      );
      await served();
      return name;
    },
    async whole() {
      await waitFor(isWhole, { what: "the group to be whole", timeoutMs: PATIENCE_MS });
      await served();
    },
    async missingRows() {
      acknowledged.push(...writer.takeAcknowledged());
      const found = await ask(
        access,
        `SELECT count(*) FROM ${TABLE} WHERE id = ANY('{${acknowledged.join()}}')`,
      );
      return acknowledged.length - Number(found);
    },
    sql: (name, statement) => ask({ ...access, host: place(name).address }, statement),
    record: async () => (await client.get(`/msdha/${GROUP_NAME}/_value/postgresql-sync`).string()) ?? "",
    history: async () => (await runMsdha({ endpoint: etcd, group: GROUP_NAME }, "history")).out,
    log: (name) => readFile(place(name).logFile, "utf8"),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
  const kept = undo.move();
  await running.whole();
  return running;
}

async function ask(access: Access, statement: string): Promise<string> {
  const asText = { getTypeParser: () => String };
  const client = new pg.Client({ ...access, types: asText, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {});
  await client.connect();
  try {
    const { rows } = await client.query<[string]>({ text: statement, rowMode: "array" });
    return rows[0]?.[0] ?? "";
  } finally {
    void client.end().catch(() => {});
  }
}
