import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EtcdMember, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { expect } from "vitest";
import { type Journal, openJournal } from "./journal.ts";
import { type NodeOptions, startNode, type TestNode } from "./node.ts";

export interface GroupOptions {
  readonly ttlSeconds?: number;
  readonly group?: string;
  /** Another etcd than one of the group's own. */
  readonly etcd?: EtcdMember;
  readonly dir?: string;
}

/** A group of backends as processes on one etcd, and what is known of it from outside. */
export interface TestGroup extends AsyncDisposable {
  readonly name: string;
  readonly ttlMs: number;
  readonly etcd: EtcdMember;
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

export async function startGroup({
  ttlSeconds = 3,
  group = "db",
  etcd: sharedEtcd,
  dir: sharedDir,
}: GroupOptions = {}): Promise<TestGroup> {
  const folder = sharedDir === undefined ? tempDir() : undefined;
  const dir = sharedDir ?? folder?.path ?? "";
  const etcd = sharedEtcd ?? (await startEtcd());
  const journalFile = join(dir, `journal-${group}`);
  writeFileSync(journalFile, "");
  const journal = openJournal(journalFile);
  const nodes: TestNode[] = [];
  const prefix = `/msdha/${group}/`;

  async function keys(): Promise<Readonly<Record<string, string>>> {
    const answer = JSON.parse(await etcd.etcdctl("get", "--prefix", prefix, "-w", "json")) as {
      kvs?: { key: string; value?: string }[];
    };
    return Object.fromEntries(
      (answer.kvs ?? []).map(({ key, value = "" }) => [decode(key).slice(prefix.length), decode(value)]),
    );
  }

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
      ),
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
        if (!sharedEtcd) await etcd[Symbol.asyncDispose]();
        await folder?.[Symbol.asyncDispose]();
      }
    },
  };
}

function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
