import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EtcdMember, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { expect } from "vitest";
import { type Journal, openJournal } from "./journal.ts";
import { type NodeOptions, startNode, type TestNode } from "./node.ts";

/** What a group needs of its etcd. */
export type GroupEtcd = Pick<EtcdMember, "endpoint" | "read">;

export interface GroupOptions {
  readonly ttlSeconds?: number;
  readonly group?: string;
  /** Another etcd than one of the group's own. */
  readonly etcd?: EtcdMember;
  readonly dir?: string;
}

/** A group of backends as processes on one etcd, and what is known of it from outside. */
export interface TestGroup<E extends GroupEtcd = EtcdMember> extends AsyncDisposable {
  readonly name: string;
  readonly ttlMs: number;
  readonly etcd: E;
  readonly journal: Journal;
  readonly dir: string;
  start(
    name: string,
    options?: NodeOptions & { readonly endpoints?: string; readonly ttlSeconds?: number },
  ): TestNode;
  /** The group's keys below its prefix, and their values. */
  keys(): Promise<Readonly<Record<string, string>>>;
  /** Who is master by lock and node key, or undefined. */
  master(): Promise<string | undefined>;
  /** Resolves with the node when one of these (or any) is the master and its hook has run. */
  masterAmong(nodes: readonly TestNode[], timeoutMs?: number): Promise<TestNode>;
  state(node: string, state: string, timeoutMs?: number): Promise<void>;
}

/** Starts a group on an etcd of its own, of one member, or on the one that it is given. */
export async function startGroup(options: GroupOptions = {}): Promise<TestGroup> {
  if (options.etcd) return openGroup(options.etcd, options);
  const etcd = await startEtcd();
  return openGroup(etcd, options, () => etcd[Symbol.asyncDispose]());
}

/** Starts a group on an etcd that stays. */
export function openGroup<E extends GroupEtcd>(
  etcd: E,
  { ttlSeconds = 3, group = "db", dir: sharedDir }: Omit<GroupOptions, "etcd">,
  disposeEtcd: () => PromiseLike<void> = async () => {},
): TestGroup<E> {
  const folder = sharedDir === undefined ? tempDir() : undefined;
  const dir = sharedDir ?? folder?.path ?? "";
  const journalFile = join(dir, `journal-${group}`);
  writeFileSync(journalFile, "");
  const journal = openJournal(journalFile);
  const nodes: TestNode[] = [];
  const prefix = `/msdha/${group}/`;

  const keys = (): Promise<Readonly<Record<string, string>>> => etcd.read(prefix);

  async function master(): Promise<string | undefined> {
    const { _lock: lock, ...rest } = await keys();
    const name = lock === undefined ? undefined : (JSON.parse(lock) as { node: string }).node;
    return name !== undefined && rest[name] === "master" ? name : undefined;
  }

  return {
    name: group,
    ttlMs: ttlSeconds * 1000,
    etcd,
    journal,
    dir,
    start(name, { endpoints = etcd.endpoint, ttlSeconds: ownTtl = ttlSeconds, ...options } = {}) {
      const node = startNode(
        { dir, journal: journal.path, endpoints, group, ttlSeconds: ownTtl },
        name,
        options,
      );
      nodes.push(node);
      return node;
    },
    keys,
    master,
    masterAmong: (among, timeoutMs = 30_000) =>
      waitFor(
        async () => {
          const name = await master();
          const node = among.find((candidate) => candidate.name === name && candidate.child.running);
          return node && journal.of(node.name, "master").length > 0 ? node : undefined;
        },
        { what: `one of ${among.map(({ name }) => name).join(", ")} to be the master`, timeoutMs },
      ).catch((error: Error) => {
        const logs = among.map((node) => `${node.name}:\n${node.log()}`);
        throw new Error([error.message, ...logs].join("\n"), { cause: error });
      }),
    async state(node, state, timeoutMs = 30_000) {
      await waitFor(async () => (await keys())[node] === state, {
        what: `node ${node} to be ${state}`,
        timeoutMs,
      });
    },
    async [Symbol.asyncDispose]() {
      try {
        expect(journal.overlaps(), "masters that overlapped").toEqual([]);
      } finally {
        for (const node of nodes) await node[Symbol.asyncDispose]();
        await disposeEtcd();
        await folder?.[Symbol.asyncDispose]();
      }
    },
  };
}
