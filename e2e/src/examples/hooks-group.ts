import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { waitFor } from "@msdha/testkit";
import { onTestFailed } from "vitest";
import { startFrontend } from "../support/frontend.ts";
import { startGroup, type TestGroup } from "../support/group.ts";
import type { TestNode } from "../support/node.ts";
import { findPlace } from "./redis-group.ts";

/** What is special about the program of an example. */
export interface ExampleOptions {
  /** The example's folder below examples/. */
  readonly name: string;
  readonly env: (place: ExamplePlace) => Readonly<Record<string, string>>;
}

/** Where one node of an example runs. */
export interface ExamplePlace {
  readonly address: string;
  readonly port: number;
  /** The node's own data folder. */
  readonly data: string;
  /** A folder that all nodes share. */
  readonly shared: string;
}

/** A group of an example's program as processes, each on a loopback address of its own, behind a frontend. */
export interface ExampleGroup extends AsyncDisposable {
  readonly group: TestGroup;
  readonly nodes: readonly TestNode[];
  /** Where clients connect. */
  readonly frontend: { readonly address: string; readonly port: number };
  place(index: number): ExamplePlace;
  /** Starts a node, again with the data that it had. */
  start(index: number): TestNode;
  /** Resolves when one of these is the master; its hook may still run. */
  masterAmong(nodes: readonly TestNode[]): Promise<TestNode>;
  /** Resolves when one node is the master, and all others are ready. */
  whole(): Promise<void>;
}

export async function startExample({ name, env }: ExampleOptions): Promise<ExampleGroup> {
  await using undo = new AsyncDisposableStack();
  const { block, port } = await findPlace();
  const hooks = fileURLToPath(new URL(`../../../examples/${name}/hooks`, import.meta.url));
  const ttlSeconds = 3;
  const group = undo.use(await startGroup({ ttlSeconds, group: name }));
  const bind = `${block}.100`;
  undo.use(
    await startFrontend(
      { dir: group.dir, endpoints: group.etcd.endpoint, group: group.name, ttlSeconds },
      { port, env: { MSDHA_BIND: bind } },
    ),
  );
  const nodes: TestNode[] = [];
  // Their files are gone when a test has failed.
  let logs = "";
  undo.defer(() => {
    logs = nodes.map((node) => `--- log of ${node.name}\n${node.log()}`).join("\n");
  });
  onTestFailed(() => console.error(logs));
  const shared = join(group.dir, "shared");
  mkdirSync(shared);

  function place(index: number): ExamplePlace {
    const data = join(group.dir, `data-${index + 1}`);
    return { address: `${block}.${index + 1}`, port, data, shared };
  }

  function start(index: number): TestNode {
    const at = place(index);
    const hooksDir = join(group.dir, `hooks-${index + 1}`);
    mkdirSync(at.data, { recursive: true });
    cpSync(hooks, hooksDir, { recursive: true });
    const node = group.start(`n${index + 1}`, {
      hooks: { start: null, master: null, node_state_change: null },
      env: {
        MSDHA_ADDRESS: at.address,
        MSDHA_HOOKS_DIR: hooksDir,
        MSDHA_TRAFFIC: "after_hook",
        MSDHA_STOP_TIMEOUT: "20",
        ...env(at),
      },
    });
    nodes[index] = node;
    return node;
  }

  async function masterAmong(among: readonly TestNode[]): Promise<TestNode> {
    return await waitFor(
      async () => {
        const master = await group.master();
        return among.find((candidate) => candidate.name === master && candidate.child.running);
      },
      { what: "a master", timeoutMs: 40_000, intervalMs: 100 },
    );
  }

  async function whole(): Promise<void> {
    await waitFor(
      async () => {
        const keys = await group.keys();
        const states = nodes.map((node) => keys[node.name]).toSorted();
        return states.join() === ["master", ...nodes.slice(1).map(() => "ready")].join();
      },
      { what: "one master and otherwise ready nodes", timeoutMs: 60_000, intervalMs: 100 },
    );
  }

  const kept = undo.move();
  const dispose = (): Promise<void> => kept.disposeAsync();
  const frontend = { address: bind, port };
  return { group, nodes, frontend, place, start, masterAmong, whole, [Symbol.asyncDispose]: dispose };
}
