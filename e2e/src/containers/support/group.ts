import { waitFor } from "@msdha/testkit";
import type { StartedNetwork } from "testcontainers";
import { type Container, type ContainerOptions, runContainer } from "./container.ts";
import { type EtcdContainers, startEtcd } from "./etcd.ts";
import { startNetwork } from "./network.ts";

export interface GroupOptions {
  readonly group?: string;
  readonly ttlSeconds?: number;
  readonly etcdMembers?: number;
  /** The network and etcd of another group. */
  readonly beside?: Pick<ContainerGroup, "network" | "etcd">;
}

type Extra = Partial<Omit<ContainerOptions, "network" | "alias">>;

/** A network, an etcd, and the containers of a group. */
export interface ContainerGroup extends AsyncDisposable {
  readonly network: StartedNetwork;
  readonly etcd: EtcdContainers;
  readonly name: string;
  backend(alias: string, options: Extra & { readonly image: string }): Promise<Container>;
  frontend(alias: string, port: number, options?: Extra): Promise<Container>;
  state(alias: string): Promise<string | undefined>;
  /** Resolves with the one of these that is the master, once one is. */
  masterAmong(backends: readonly Container[], timeoutMs?: number): Promise<Container>;
  /** Resolves when a node is in a state. */
  inState(backend: Container, state: string, timeoutMs?: number): Promise<void>;
}

export async function startGroup({
  group = "db",
  ttlSeconds = 3,
  etcdMembers = 1,
  beside,
}: GroupOptions = {}): Promise<ContainerGroup> {
  await using stack = new AsyncDisposableStack();
  const network = beside?.network ?? stack.use(await startNetwork());
  const etcd = beside?.etcd ?? stack.use(await startEtcd(network, etcdMembers));
  const own = stack.move();

  const run = async (alias: string, { env, ...options }: Extra & { readonly image: string }) =>
    own.use(
      await runContainer({
        ...options,
        network,
        alias,
        env: {
          ETCDCTL_ENDPOINTS: etcd.endpoints,
          MSDHA_GROUP: group,
          MSDHA_TTL: String(ttlSeconds),
          ...env,
        },
      }),
    );
  const keys = (): Promise<Readonly<Record<string, string>>> => etcd.read(`/msdha/${group}/`);
  const withLog = async (error: unknown, containers: readonly Container[]): Promise<never> => {
    const logs = await Promise.all(containers.map(async (one) => `--- ${one.alias}\n${await one.log()}`));
    throw new Error(`${error instanceof Error ? error.message : error}\n${logs.join("\n")}`, {
      cause: error,
    });
  };

  return {
    network,
    etcd,
    name: group,
    backend: (alias, options) => run(alias, { ...options, env: { MSDHA_NAME: alias, ...options.env } }),
    frontend: (alias, port, options) =>
      run(alias, { image: "msdha-frontend", ...options, env: { MSDHA_PORT: String(port), ...options?.env } }),
    state: async (alias) => (await keys())[alias],
    masterAmong: (backends, timeoutMs = 60_000) =>
      waitFor(
        async () => {
          const { _lock: lock, ...rest } = await keys();
          if (lock === undefined) return undefined;
          const { node } = JSON.parse(lock) as { node: string };
          return rest[node] === "master" ? backends.find(({ alias }) => alias === node) : undefined;
        },
        { what: "a master", timeoutMs, intervalMs: 50 },
      ).catch((error: unknown) => withLog(error, backends)),
    async inState(backend, state, timeoutMs = 60_000) {
      await waitFor(async () => (await keys())[backend.alias] === state, {
        what: `${backend.alias} to be ${state}`,
        timeoutMs,
        intervalMs: 50,
      }).catch((error: unknown) => withLog(error, [backend]));
    },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
}
