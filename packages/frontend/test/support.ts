import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connectEtcd, type EtcdApi, readEtcdSettings } from "@msdha/etcd-client";
import { type Child, type EtcdMember, getFreePort, startChild, tempDir, waitFor } from "@msdha/testkit";
import { askStatus } from "../src/ask-status.ts";
import type { FrontendStatus } from "../src/status.ts";

export { askName, openSession, startLoad, startNamedServer } from "@msdha/testkit";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** `MSDHA_TEST_HAPROXY` names another HAProxy than the one in the path, `MSDHA_TEST_FRONTEND` a built frontend. */
const {
  PATH,
  NODE_COMPILE_CACHE,
  MSDHA_TEST_HAPROXY: haproxyFile = "haproxy",
  MSDHA_TEST_FRONTEND: built,
} = process.env;

export interface TestFrontend extends AsyncDisposable {
  readonly port: number;
  readonly runDir: string;
  readonly child: Child;
  /** The code that it ended with, once it has; -1 when a signal ended it. */
  readonly exitCode: Promise<number>;
  log(): string;
  status(): Promise<FrontendStatus>;
  /** Resolves when its status is so. */
  until(what: string, condition: (status: FrontendStatus) => boolean): Promise<FrontendStatus>;
}

export interface TestFrontendOptions {
  readonly env?: Readonly<{ MSDHA_RUN_DIR?: string } & Record<string, string>>;
  readonly port?: number;
  /** A command that the frontend's own is handed to; it must become it, by `exec`. */
  readonly under?: readonly string[];
}

/** The command line of the frontend. */
export const frontendCommand: readonly string[] = built
  ? [built]
  : [process.execPath, "--conditions=@msdha/source", main];

/** Starts the frontend as a process of its own, on 127.0.0.1. Does not wait for anything. */
export async function startFrontend(
  etcdUrl: string,
  group: string,
  { env = {}, port, under = [] }: TestFrontendOptions = {},
): Promise<TestFrontend> {
  const folder = tempDir();
  const runDir = env.MSDHA_RUN_DIR ?? join(folder.path, "run");
  const listenPort = port ?? (await getFreePort());
  const [file = "", ...args] = [...under, ...frontendCommand];
  const child = startChild(file, args, {
    logFile: join(folder.path, "log"),
    env: {
      PATH,
      ...(built && { MSDHA_NODE: process.execPath }),
      ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }),
      ETCDCTL_ENDPOINTS: etcdUrl,
      MSDHA_GROUP: group,
      MSDHA_PORT: String(listenPort),
      MSDHA_BIND: "127.0.0.1",
      MSDHA_RUN_DIR: runDir,
      MSDHA_HAPROXY: haproxyFile,
      MSDHA_THREADS: "2",
      ...env,
    },
  });
  const status = (): Promise<FrontendStatus> => askStatus(runDir);
  return {
    port: listenPort,
    runDir,
    child,
    exitCode: child.exited.then(() => child.exit?.code ?? -1),
    log: () => child.log(),
    status,
    until: async (what, condition) => {
      const found = await waitFor(
        async () => {
          const now = await status();
          return condition(now) ? now : undefined;
        },
        { what, intervalMs: 5 },
      ).catch((error: Error) => {
        throw new Error(`${error.message}\n${child.log()}`, { cause: error });
      });
      return found;
    },
    [Symbol.asyncDispose]: async () => {
      await child.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A node of a group as etcd sees it; nothing runs behind it. */
interface Term {
  readonly token: number;
  /** A planned stop begins: the node key goes, the lock stays. */
  beginStop(): Promise<void>;
  /** It ends: the lock goes, and a hand-over is left. */
  giveBack(): Promise<void>;
  /** The lease is gone with everything on it, as when the node was lost. */
  vanish(): Promise<void>;
}

/** Writes a group's keys as nodes do. */
export interface TestGroup extends AsyncDisposable {
  readonly name: string;
  readonly etcd: EtcdApi;
  /** Takes the lock and publishes itself as master, all at once. */
  becomeMaster(node: string, options: { readonly address?: string }): Promise<Term>;
  /** Puts the node's key in state `ready`. */
  becomeReady(node: string, address: string): Promise<void>;
  /** Puts a key of the group: that of a node on a lease, as nodes do, any other (`_…`) without. */
  put(key: string, value: string): Promise<void>;
}

const call = { timeoutMs: 5_000 };

export function openGroup(member: EtcdMember, name: string): TestGroup {
  const etcd = connectEtcd(readEtcdSettings({ ETCDCTL_ENDPOINTS: member.endpoint }));
  const key = (rest: string): string => `/msdha/${name}/${rest}`;
  const write = async (...operations: Parameters<EtcdApi["txn"]>[0]["success"][number][]): Promise<number> =>
    (await etcd.txn({ compare: [], success: operations, failure: [] }, call)).revision;
  let granted: Promise<{ readonly id: string }> | undefined;
  const put = async (rest: string, value: string): Promise<void> => {
    if (!rest.startsWith("_")) granted ??= etcd.leaseGrant(600, call);
    const lease = rest.startsWith("_") ? undefined : (await granted)?.id;
    await write({ type: "put", key: key(rest), value, ...(lease !== undefined && { lease }) });
  };
  return {
    name,
    etcd,
    becomeMaster: async (node, { address }) => {
      const { id: lease } = await etcd.leaseGrant(600, call);
      const own = (rest: string, value: string) => ({ type: "put", key: key(rest), value, lease }) as const;
      const details = JSON.stringify({ runId: "1", address: address ?? node, ttlSeconds: 10 });
      await write(own(`_node/${node}`, details), own(node, "ready"));
      const token = await write(own("_lock", JSON.stringify({ node, takenAfter: "wait" })));
      await write(own(node, "master"));
      return {
        token,
        beginStop: async () => void (await write({ type: "delete", key: key(node) })),
        giveBack: async () => {
          await write(
            { type: "delete", key: key("_lock") },
            { type: "put", key: key("_handover"), value: "" },
          );
          await etcd.leaseRevoke(lease, call);
        },
        vanish: () => etcd.leaseRevoke(lease, call),
      };
    },
    becomeReady: async (node, address) => {
      await put(`_node/${node}`, JSON.stringify({ runId: "2", address, ttlSeconds: 10 }));
      await put(node, "ready");
    },
    put,
    [Symbol.asyncDispose]: () => etcd[Symbol.asyncDispose](),
  };
}

/** Resolves when new connections go to a node. */
export async function serving(frontend: TestFrontend, name: string): Promise<FrontendStatus> {
  return await frontend.until(
    `${name} to be served`,
    ({ master, ready, haproxy }) => master?.name === name && ready && haproxy.settled,
  );
}

/** The token that the group's only frontend says that it has left. */
export async function left(group: TestGroup): Promise<number | undefined> {
  const { kvs } = await group.etcd.range(
    { key: `/msdha/${group.name}/_frontend/`, prefix: true },
    { timeoutMs: 5_000 },
  );
  if (kvs.length > 1) throw new Error(`expected one frontend, got ${kvs.length}`);
  return kvs[0] && (JSON.parse(kvs[0].value) as { left: number }).left;
}
