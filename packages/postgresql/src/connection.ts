import pg from "pg";
import { newerSettings, sessionOptions } from "./session-options.ts";

/** Where a server is, and as whom it is asked. */
export interface ServerAddress {
  /** A folder for a socket in it. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string | undefined;
  readonly tls?: pg.ClientConfig["ssl"] | undefined;
  /** More settings that the session begins with, as options. */
  readonly options?: string;
  /** `database`: over a connection that is kept for standbys; one statement without a semicolon then. `true`: as a standby streams, no statement. */
  readonly replication?: "database" | "true" | undefined;
}

/** Rows of text; NULL is null. */
export type Rows = readonly (readonly (string | null)[])[];

/** One session with a server. */
export interface Connection {
  readonly broken: boolean;
  /** Resolves with the rows of the last statement that has any. A statement that takes too long breaks the session. */
  query(statement: string, timeoutMs: number): Promise<Rows>;
  close(): void;
}

const CONNECT_MS = 3_000;

const TEXT = { getTypeParser: () => String };

/**
 * Opens a session. Rejects with the server's or the network's error, within six seconds. `connect` runs what opens the
 * socket, for a process that has to do so as another user.
 */
export async function openConnection(
  address: ServerAddress,
  { connect = (open) => open() }: { readonly connect?: (open: () => Promise<void>) => Promise<void> } = {},
): Promise<Connection> {
  const config: pg.ClientConfig & { replication?: string } = {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password ?? "",
    database: "postgres",
    ssl: address.tls ?? false,
    application_name: "msdha hook",
    options: [sessionOptions(), ...(address.options ? [address.options] : [])].join(" "),
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    types: TEXT,
  };
  if (address.replication) config.replication = address.replication;
  const client = new pg.Client(config);
  let broken = false;
  const giveUp = (): void => {
    broken = true;
  };
  client.on("error", giveUp);
  client.on("end", giveUp);
  const version = watchVersion(client);
  try {
    await connect(async () => {
      await client.connect();
    });
    const newer =
      address.replication === "true" ? [] : newerSettings(version()).map((setting) => `SET ${setting}`);
    if (newer.length > 0) {
      const options = { text: newer.join("; "), query_timeout: CONNECT_MS };
      await client.query(options as pg.QueryConfig);
    }
  } catch (error) {
    destroy(client);
    if (isServerError(error)) refusals.add(error);
    throw error;
  }
  return {
    get broken() {
      return broken;
    },
    async query(statement, timeoutMs) {
      try {
        const options = { text: statement, rowMode: "array", query_timeout: timeoutMs };
        const result: unknown = await client.query(options as pg.QueryArrayConfig);
        const results = Array.isArray(result) ? result : [result];
        return (
          (results as pg.QueryArrayResult<(string | null)[]>[]).findLast(({ fields }) => fields.length > 0)
            ?.rows ?? []
        );
      } catch (error) {
        if (!isServerError(error)) {
          broken = true;
          destroy(client);
        }
        throw error;
      }
    },
    close() {
      broken = true;
      void client.end().catch(() => {});
    },
  };
}

/** Returns whether a server answered, with an error. */
export function isServerError(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError;
}

/** The errors with which servers refused a session. */
const refusals = new WeakSet<pg.DatabaseError>();

/**
 * Returns whether a server refused a session, or ended it, by the error of a question. Its severity says so too, but in the language of
 * `lc_messages`.
 */
export function isRefusal(error: unknown): error is pg.DatabaseError {
  return (
    isServerError(error) &&
    (refusals.has(error) || error.severity === "FATAL" || error.code?.startsWith("57P") === true)
  );
}

/** Returns a function for the major version that the server reports while a session begins; 0 before. */
function watchVersion(client: pg.Client): () => number {
  let version = 0;
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  connection.on("parameterStatus", (status: { parameterName: string; parameterValue: string }) => {
    if (status.parameterName === "server_version") version = Number.parseInt(status.parameterValue, 10);
  });
  return () => version;
}

/** A goodbye could wait for a server that is frozen. */
function destroy(client: pg.Client): void {
  const { connection } = client as unknown as { connection?: { stream?: { destroy(): void } } };
  connection?.stream?.destroy();
}
