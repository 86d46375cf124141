import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { startFrontend } from "../support/frontend.ts";
import { startGroup, type TestGroup } from "../support/group.ts";
import type { TestNode } from "../support/node.ts";
import { findPlace } from "./redis-group.ts";

const HOOKS = fileURLToPath(new URL("../../../examples/mariadb/hooks", import.meta.url));

/** A group of MariaDB servers as processes, each on a loopback address of its own, behind a frontend. */
export interface MariadbGroup extends AsyncDisposable {
  readonly group: TestGroup;
  readonly nodes: readonly TestNode[];
  /** Starts a node, again with the data that it had. */
  start(index: number, env?: Readonly<Record<string, string>>): TestNode;
  /** Resolves with the master among these when its server takes writes. */
  masterAmong(nodes: readonly TestNode[]): Promise<TestNode>;
  /** Runs statements as the application, at one node or through the frontend. Rejects when one fails. */
  query(statements: string, to?: number): Promise<string>;
  /** Runs statements as root at a node's own socket. */
  asRoot(index: number, statements: string): Promise<string>;
  /** Resolves when there is a master and all others are ready. */
  allServe(): Promise<void>;
  /** Resolves when all nodes serve, each with the master's data. */
  whole(): Promise<void>;
}

export async function startMariadbGroup({
  ttlSeconds = 3,
}: {
  readonly ttlSeconds?: number;
} = {}): Promise<MariadbGroup> {
  await using undo = new AsyncDisposableStack();
  const { block, port } = await findPlace();
  const group = undo.use(await startGroup({ ttlSeconds, group: "mariadb" }));
  undo.use(
    await startFrontend(
      { dir: group.dir, endpoints: group.etcd.endpoint, group: group.name, ttlSeconds },
      { port, env: { MSDHA_BIND: `${block}.100` } },
    ),
  );
  const nodes: TestNode[] = [];
  /** What the nodes logged goes with the error: their files are gone when a test has failed. */
  const withLogs = (error: Error): never => {
    throw new Error([error.message, ...nodes.map((node) => `--- ${node.name}\n${node.log()}`)].join("\n"));
  };
  const folderOf = (index: number): string => join(group.dir, `mariadb-m${index + 1}`);

  function start(index: number, env: Readonly<Record<string, string>> = {}): TestNode {
    const folder = folderOf(index);
    mkdirSync(join(folder, "data"), { recursive: true });
    cpSync(HOOKS, join(folder, "hooks"), { recursive: true });
    const node = group.start(`m${index + 1}`, {
      hooks: { start: null, master: null, node_state_change: null },
      env: {
        MSDHA_ADDRESS: `${block}.${index + 1}`,
        MSDHA_HOOKS_DIR: join(folder, "hooks"),
        MSDHA_TRAFFIC: "after_hook",
        MSDHA_STOP_TIMEOUT: "60",
        MARIADB_PORT: String(port),
        MARIADB_BIND: `${block}.${index + 1}`,
        MARIADB_DIR: join(folder, "data"),
        MARIADB_REPLICATION_PASSWORD: "it's a \\ secret",
        MARIADB_USER: "app",
        MARIADB_PASSWORD: "app",
        ...env,
      },
    });
    nodes[index] = node;
    return node;
  }

  async function query(statements: string, to?: number): Promise<string> {
    const host = to === undefined ? `${block}.100` : `${block}.${to + 1}`;
    const where = [`--host=${host}`, `--port=${port}`, "--user=app", "--password=app", "app"];
    const flags = ["--no-defaults", "--connect-timeout=30", "-BN", "-e", statements];
    return (await execa("mariadb", [...flags.slice(0, 1), ...where, ...flags.slice(1)])).stdout;
  }

  async function asRoot(index: number, statements: string): Promise<string> {
    const socket = join(nodes[index]?.runDir ?? "", "mariadb.sock");
    return (await execa("mariadb", ["--no-defaults", `--socket=${socket}`, "-BN", "-e", statements])).stdout;
  }

  async function masterAmong(among: readonly TestNode[]): Promise<TestNode> {
    return await waitFor(
      async () => {
        const name = await group.master();
        const node = among.find((candidate) => candidate.name === name && candidate.child.running);
        if (!node) return undefined;
        const readOnly = await asRoot(nodes.indexOf(node), "SELECT @@read_only").catch(() => "1");
        return readOnly === "0" ? node : undefined;
      },
      { what: "a master", timeoutMs: 60_000, intervalMs: 100 },
    ).catch(withLogs);
  }

  async function allServe(): Promise<void> {
    await waitFor(
      async () => {
        const keys = await group.keys();
        return (
          nodes
            .map(({ name }) => keys[name])
            .toSorted()
            .join() === ["master", ...nodes.slice(1).map(() => "ready")].join()
        );
      },
      { what: "one master and otherwise ready nodes", timeoutMs: 120_000, intervalMs: 100 },
    ).catch(withLogs);
  }

  async function whole(): Promise<void> {
    await allServe();
    await waitFor(
      async () => {
        const positions = await Promise.all(
          nodes.map((_, index) => asRoot(index, "SELECT @@gtid_current_pos")),
        );
        return new Set(positions).size === 1;
      },
      { what: "all nodes at one position", timeoutMs: 60_000, intervalMs: 100 },
    );
  }

  const kept = undo.move();
  const dispose = (): Promise<void> => kept.disposeAsync();
  return { group, nodes, start, masterAmong, query, asRoot, allServe, whole, [Symbol.asyncDispose]: dispose };
}
