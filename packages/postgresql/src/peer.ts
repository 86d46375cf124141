import { readFileSync } from "node:fs";
import { checkServerIdentity } from "node:tls";
import {
  type Connection,
  isRefusal,
  isServerError,
  openConnection,
  type Rows,
  type ServerAddress,
} from "./connection.ts";
import { fail, messageOf } from "./failure.ts";
import type { Settings } from "./settings.ts";

/** Another node's server does not answer now. It may later. */
export class PeerSilentError extends Error {
  override readonly name = "PeerSilentError";
  readonly code = "ERR_PEER_SILENT";
}

/** Another node's server answered, but refused the session or the question for another reason than those of a `HookFailure`. */
export class PeerRefusedError extends PeerSilentError {
  readonly refused = true;
}

/**
 * Another node's server, asked as the replication user. Its answers reject with a `PeerSilentError`, and with a
 * `HookFailure` for what no waiting mends: credentials and certificates that are refused, and what the user may not do.
 */
export interface Peer {
  readonly address: string;
  query(statement: string): Promise<Rows>;
  value(statement: string): Promise<string | null>;
  /** The same as `query`, over a session that is opened for it, and closed: what is kept says nothing of whether another could be opened. */
  newSession(statement: string): Promise<Rows>;
  /** Resolves when a session was opened as a standby opens the one that it streams over, and closed. */
  tryToStream(): Promise<void>;
}

/** Returns the peers of a node; their sessions last as long as `sessions`. */
export function createPeers(
  settings: Settings,
  { password, sessions }: { readonly password: () => string; readonly sessions: DisposableStack },
): (address: string) => Peer {
  const peers = new Map<string, Peer>();
  return (address) => {
    const peer = peers.get(address) ?? createPeer(settings, address, { password, sessions });
    peers.set(address, peer);
    return peer;
  };
}

const QUERY_MS = 10_000;

function createPeer(
  settings: Settings,
  address: string,
  { password, sessions }: { readonly password: () => string; readonly sessions: DisposableStack },
): Peer {
  let kept: Connection | undefined;
  sessions.defer(() => kept?.close());

  const place = (replication?: ServerAddress["replication"]): ServerAddress => ({
    host: address,
    port: settings.port,
    user: settings.replicator,
    password: password(),
    tls: tlsOptions(settings, address),
    replication,
  });

  async function ask(statement: string): Promise<Rows> {
    if (!kept || kept.broken) kept = await openConnection(place());
    return await kept.query(statement, QUERY_MS);
  }

  async function askAnew(statement: string, replication?: "database"): Promise<Rows> {
    const connection = await openConnection(place(replication));
    try {
      return await connection.query(statement, QUERY_MS);
    } finally {
      connection.close();
    }
  }

  const explained = (error: unknown): never => {
    throw explain(settings, address, error);
  };

  /**
   * Clients may take all connections, and keep them until a standby follows, when their commits wait for it. A server
   * that refuses one is asked again over one of those that it keeps for standbys, if it is one statement: PostgreSQL 13
   * and 14 take nothing else there.
   */
  async function query(statement: string): Promise<Rows> {
    try {
      return await ask(statement);
    } catch (error) {
      const refused = isRefusal(error) && !statement.includes(";");
      if (!refused) throw explain(settings, address, error);
      return await askAnew(statement, "database").catch(explained);
    }
  }

  return {
    address,
    query,
    async value(statement) {
      return (await query(statement))[0]?.[0] ?? null;
    },
    newSession: (statement) => askAnew(statement).catch(explained),
    async tryToStream() {
      (await openConnection(place("true")).catch(explained)).close();
    },
  };
}

/** Password, pg_hba.conf and no such user, no such database, no permission. */
const REFUSALS = new Set(["28P01", "28000", "3D000", "42501"]);

/** It starts, stops, has no connection free, or no room. */
const NOT_NOW = /^(57P|53)/;

function explain(settings: Settings, address: string, error: unknown): Error {
  const message = messageOf(error);
  if (isServerError(error)) {
    if (error.code !== undefined && REFUSALS.has(error.code)) {
      fail(`${address} refuses the replication user ${settings.replicator}: ${error.severity}: ${message}`, {
        cause: error,
      });
    }
    const Kind = NOT_NOW.test(error.code ?? "") ? PeerSilentError : PeerRefusedError;
    return new Kind(`${address} answers ${error.severity}: ${message}`, { cause: error });
  }
  const { code = "" } = error as NodeJS.ErrnoException;
  if (/^(ERR_TLS|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|ERR_SSL)|EPROTO/.test(code)) {
    fail(`no connection to ${address} over TLS: certificate verify failed: ${message}`, { cause: error });
  }
  if (message.includes("does not support SSL")) {
    fail(`no connection to ${address} over TLS: ${message}`, { cause: error });
  }
  return new PeerSilentError(message, { cause: error });
}

function tlsOptions(settings: Settings, address: string): ServerAddress["tls"] {
  const { tls } = settings;
  if (!tls) return undefined;
  if (tls.ca === undefined) return { rejectUnauthorized: false };
  return {
    host: address,
    ca: readFileSync(`${settings.home}/tls.ca`, "utf8"),
    rejectUnauthorized: true,
    checkServerIdentity: (host, certificate) =>
      tls.mode === "verify-full" ? checkServerIdentity(host, certificate) : undefined,
  } as ServerAddress["tls"];
}
