import { cpSync, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitFor } from "@msdha/testkit";
import { Redis } from "ioredis";
import { onTestFailed } from "vitest";
import { startFrontend } from "../support/frontend.ts";
import { startGroup, type TestGroup } from "../support/group.ts";
import type { TestNode } from "../support/node.ts";

const HOOKS = fileURLToPath(new URL("../../../examples/redis/hooks", import.meta.url));

/** A group of Redis servers as processes, each on a loopback address of its own, behind a frontend. */
export interface RedisGroup extends AsyncDisposable {
  readonly group: TestGroup;
  readonly nodes: readonly TestNode[];
  /** Starts a node, again with the data that it had. */
  start(index: number, env?: Readonly<Record<string, string>>): TestNode;
  /** Resolves with the node when one of these is the master and its server takes writes. */
  masterAmong(nodes: readonly TestNode[]): Promise<TestNode>;
  /** A client of one node, or through the frontend. */
  connect(to: number | "frontend"): Redis;
}

export async function startRedisGroup({
  ttlSeconds = 3,
  password,
}: {
  readonly ttlSeconds?: number;
  readonly password?: string;
} = {}): Promise<RedisGroup> {
  await using undo = new AsyncDisposableStack();
  const { block, port } = await findPlace();
  const group = undo.use(await startGroup({ ttlSeconds, group: "redis" }));
  const frontend = undo.use(
    await startFrontend(
      { dir: group.dir, endpoints: group.etcd.endpoint, group: group.name, ttlSeconds },
      { port, env: { MSDHA_BIND: `${block}.100` } },
    ),
  );
  const nodes: TestNode[] = [];
  const clients: Redis[] = [];
  onTestFailed(() => {
    for (const node of nodes) console.error(`--- log of ${node.name}\n${node.log()}`);
  });
  undo.defer(() => {
    for (const client of clients) client.disconnect();
  });

  function start(index: number, env: Readonly<Record<string, string>> = {}): TestNode {
    const name = `r${index + 1}`;
    const address = `${block}.${index + 1}`;
    const folder = join(group.dir, `redis-${name}`);
    const data = join(folder, "data");
    mkdirSync(data, { recursive: true });
    cpSync(HOOKS, join(folder, "hooks"), { recursive: true });
    const node = group.start(name, {
      hooks: { start: null, master: null, node_state_change: null },
      env: {
        MSDHA_ADDRESS: address,
        MSDHA_HOOKS_DIR: join(folder, "hooks"),
        MSDHA_TRAFFIC: "after_hook",
        MSDHA_STOP_TIMEOUT: "15",
        REDIS_PORT: String(port),
        REDIS_BIND: address,
        REDIS_DIR: data,
        REDIS_CONF: "",
        ...(password !== undefined && { REDIS_PASSWORD: password }),
        ...env,
      },
    });
    nodes[index] = node;
    return node;
  }

  function connect(to: number | "frontend"): Redis {
    const client = new Redis({
      host: to === "frontend" ? `${block}.100` : `${block}.${to + 1}`,
      port: to === "frontend" ? frontend.port : port,
      ...(password !== undefined && { password }),
      maxRetriesPerRequest: 0,
      retryStrategy: () => 20,
      connectTimeout: 20_000,
    });
    // Each command that fails says so to its caller.
    client.on("error", () => {});
    clients.push(client);
    return client;
  }

  async function masterAmong(among: readonly TestNode[]): Promise<TestNode> {
    return await waitFor(
      async () => {
        const name = await group.master();
        const node = among.find((candidate) => candidate.name === name && candidate.child.running);
        if (!node) return undefined;
        const client = connect(nodes.indexOf(node));
        const info = await client.info("replication").catch(() => "");
        client.disconnect();
        return info.includes("role:master") ? node : undefined;
      },
      { what: "a master", timeoutMs: 30_000 },
    );
  }

  const kept = undo.move();
  return {
    group,
    nodes,
    start,
    masterAmong,
    connect,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Finds a block of loopback addresses with one port that is free on all of them. */
export async function findPlace(): Promise<{ readonly block: string; readonly port: number }> {
  for (;;) {
    const block = `127.${64 + Math.floor(Math.random() * 128)}.${Math.floor(Math.random() * 256)}`;
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all([1, 2, 3, 100].map((last) => isFree(`${block}.${last}`, port)));
    if (free.every(Boolean)) return { block, port };
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** Resolves when these nodes are synced with the master. */
export async function untilSynced(redis: RedisGroup, indexes: readonly number[]): Promise<void> {
  for (const index of indexes) {
    const client = redis.connect(index);
    await waitFor(
      async () => (await client.info("replication").catch(() => "")).includes("master_link_status:up"),
      { what: `node ${index} to be synced`, timeoutMs: 30_000 },
    );
    client.disconnect();
  }
}
