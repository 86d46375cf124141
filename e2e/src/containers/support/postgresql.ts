import { waitFor } from "@msdha/testkit";
import pg from "pg";
import type { Stretch } from "../../postgresql-group/gap-meter.ts";
import { type Access, startWriter, TABLE, type Writer } from "../../postgresql-group/writer.ts";
import type { Container, ContainerOptions } from "./container.ts";
import type { GroupOptions } from "./group.ts";
import { type ContainerGroup, startGroup } from "./group.ts";

export const PORT = 5432;
const SUPERUSER = { user: "postgres", password: "the superuser's: $ \\ '", database: "postgres" };
export const REPLICATION_PASSWORD = "the replicator's : \\ '";

/** Root is read-only, as in the examples; data are in the image's volume. */
export const POSTGRESQL_HOST: NonNullable<ContainerOptions["host"]> = {
  ReadonlyRootfs: true,
  CapDrop: ["ALL"],
  Tmpfs: { "/run/msdha": "" },
  RestartPolicy: { Name: "unless-stopped" },
};

const FRONTEND_HOST: NonNullable<ContainerOptions["host"]> = {
  ReadonlyRootfs: true,
  CapDrop: ["ALL"],
  Tmpfs: { "/run": "" },
};

export interface PostgresqlOptions extends GroupOptions {
  readonly nodes?: number;
  /** What the first node gets that the others don't; it is started before them, and so is the first master. */
  readonly first?: ContainerOptions["host"];
  /** MSDHA_PG_SYNC; default: strict. */
  readonly sync?: "off" | "preferred" | "strict";
  readonly env?: Readonly<Record<string, string>>;
  readonly host?: ContainerOptions["host"];
}

/** A group of PostgreSQL containers with a frontend, its clients, and what they were promised. */
export interface PostgresqlGroup extends AsyncDisposable {
  readonly group: ContainerGroup;
  readonly nodes: readonly Container[];
  /** The one that the clients use. */
  readonly frontend: Container;
  readonly otherFrontend: Container;
  readonly writer: Writer;
  /** How its clients connect, over the frontend. */
  readonly access: Access;
  master(): Promise<Container>;
  /** Begins to measure what clients see. */
  begin(): void;
  /** What they have seen since. */
  measured(): Stretch & { readonly complaints: Readonly<Record<string, number>> };
  /** Resolves when one of the nodes is the master, all others are ready and stream from it, and every client writes. */
  whole(timeoutMs?: number): Promise<void>;
  /** Runs a statement through the frontend. */
  query<T extends pg.QueryResultRow>(statement: string, values?: readonly unknown[]): Promise<readonly T[]>;
  /** How many of all rows that were ever acknowledged the master does not have. */
  missingRows(): Promise<number>;
  /** Resolves when every client has had a row acknowledged that it sent from now on. */
  served(timeoutMs?: number): Promise<void>;
}

export function startNode(
  group: ContainerGroup,
  alias: string,
  { sync = "strict", env, host }: Pick<PostgresqlOptions, "sync" | "env" | "host"> = {},
): Promise<Container> {
  return group.backend(alias, {
    image: "msdha-backend-postgresql",
    host: { ...POSTGRESQL_HOST, ...host },
    env: {
      POSTGRES_PASSWORD: SUPERUSER.password,
      MSDHA_PG_REPLICATION_PASSWORD: REPLICATION_PASSWORD,
      MSDHA_PG_SYNC: sync,
      ...env,
    },
  });
}

/** Creates the table that is written to, once there is a master. */
async function createTable(
  query: (statement: string) => Promise<unknown>,
  nodes: readonly Container[],
): Promise<void> {
  await waitFor(
    () => query(`CREATE TABLE ${TABLE} (id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`),
    { what: "the first master", timeoutMs: 90_000, intervalMs: 200 },
  ).catch(async (error: unknown) => {
    throw new Error(`${String(error)}\n${await nodes[0]?.log()}`, { cause: error });
  });
}

export async function startPostgresql({
  nodes: count = 3,
  sync = "strict",
  env = {},
  host,
  first,
  ...groupOptions
}: PostgresqlOptions = {}): Promise<PostgresqlGroup> {
  await using undo = new AsyncDisposableStack();
  const group = undo.use(await startGroup(groupOptions));
  const names = Array.from({ length: count }, (_, index) => `${group.name}${index + 1}`);
  const start = (name: string, own?: ContainerOptions["host"]): Promise<Container> =>
    startNode(group, name, { sync, env, host: { ...host, ...own } });
  const nodes = await startNodes(group, names, start, first);
  const [frontend, otherFrontend] = await Promise.all([
    group.frontend(`${group.name}-front1`, PORT, { host: FRONTEND_HOST }),
    group.frontend(`${group.name}-front2`, PORT, { host: FRONTEND_HOST }),
  ]);
  // Containers that are started again can get one another's addresses.
  let address = await frontend.address();
  const access: Access = {
    ...SUPERUSER,
    get host() {
      return address;
    },
    port: PORT,
  };

  async function query<T extends pg.QueryResultRow>(
    statement: string,
    values: readonly unknown[] = [],
  ): Promise<readonly T[]> {
    const client = new pg.Client({ ...access, query_timeout: 60_000 });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query<T>(statement, [...values])).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }

  await createTable(query, nodes);
  let complaints: Record<string, number> = {};
  const writer = undo.use(
    startWriter(access, {
      onBroken: (why) => {
        complaints[why] = (complaints[why] ?? 0) + 1;
      },
    }),
  );
  const acknowledged: number[] = [];
  const kept = undo.move();

  const isWhole = async (): Promise<boolean> => {
    address = await frontend.address();
    const states = await Promise.all(nodes.map(({ alias }) => group.state(alias)));
    if (states.filter((state) => state === "ready").length !== count - 1) return false;
    const [row] = await query<{ streaming: number }>(
      "SELECT count(*)::int AS streaming FROM pg_stat_replication WHERE state = 'streaming'",
    );
    return row?.streaming === count - 1;
  };
  const served = async (timeoutMs = 60_000): Promise<void> => {
    const since = performance.now();
    await waitFor(() => writer.meter.allServedSince(since), { what: "every client to be served", timeoutMs });
  };

  return {
    group,
    nodes,
    frontend,
    otherFrontend,
    writer,
    access,
    query,
    served,
    begin() {
      writer.meter.begin();
      complaints = {};
    },
    measured: () => ({ ...writer.meter.read(), complaints: { ...complaints } }),
    master: () => group.masterAmong(nodes),
    async whole(timeoutMs = 90_000) {
      await waitFor(isWhole, { what: "a whole group", timeoutMs, intervalMs: 200 }).catch(
        async (error: unknown) => {
          const logs = await Promise.all(
            nodes.map(async (one) => `--- ${one.alias}\n${tail(await one.log())}`),
          );
          throw new Error(`${String(error)}\n${logs.join("\n")}`, { cause: error });
        },
      );
      await served();
    },
    async missingRows() {
      acknowledged.push(...writer.takeAcknowledged());
      const [row] = await query<{ found: number }>(
        `SELECT count(*)::int AS found FROM ${TABLE} WHERE id = ANY($1)`,
        [acknowledged],
      );
      return acknowledged.length - (row?.found ?? 0);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Starts all at once; with `first` one of them becomes the master before the others start. */
async function startNodes(
  group: ContainerGroup,
  names: readonly string[],
  start: (name: string, own?: ContainerOptions["host"]) => Promise<Container>,
  first: PostgresqlOptions["first"],
): Promise<readonly Container[]> {
  const nodes: Container[] = [];
  if (first) {
    const node = await start(names[0] ?? "", first);
    nodes.push(node);
    await group.masterAmong([node]);
  }
  nodes.push(...(await Promise.all(names.slice(nodes.length).map((name) => start(name)))));
  return nodes;
}

function tail(log: string): string {
  return log.split("\n").slice(-60).join("\n");
}
