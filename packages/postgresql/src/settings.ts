import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseDuration } from "./durations.ts";
import { fail } from "./failure.ts";
import { parseSize } from "./sizes.ts";

/** The environment of a hook. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The node's run folder, where the environment names none. */
export const DEFAULT_RUN_DIR = "/run/msdha";

/** What the environment says about this node. Only `checkSettings` refuses what can't be. */
export interface Settings {
  readonly name: string;
  readonly ttlMs: number;
  readonly runDir: string;
  /** The helper's own folder: PostgreSQL's socket and the password file. Only its owner and root get in. */
  readonly home: string;
  readonly data: string;
  /** The folder that the data directory is in. */
  readonly parent: string;
  readonly port: number;
  readonly listen: string;
  readonly superuser: string;
  readonly database: string;
  readonly replicator: string;
  readonly osUser: string;
  readonly sync: "off" | "preferred" | "strict";
  readonly syncPatienceMs: number;
  /** How many standbys each commit waits for, where commits wait. */
  readonly syncNodes: number;
  /** How many bytes of the master's log a node may lack that is promoted, where commits did not wait for it. */
  readonly maxLag: number;
  readonly reclone: boolean;
  readonly handover: "received" | "clean";
  readonly stopWaitMs: number;
  readonly checkpointTimeoutMs: number;
  /** How long a standby may receive nothing from a master before its node ends, so that it is not `ready` any more. */
  readonly streamPatienceMs: number;
  /** How many seconds a master that has crashed may take to be back where it was, before another node takes over. */
  readonly restartFirstSeconds: number;
  /** Where a whole group starts again: how long the node that was its master is waited for while it starts. */
  readonly masterWaitMs: number;
  /** After so long without a sign of each other, master and standby give up their connection; 0: never. */
  readonly walSenderTimeoutMs: number;
  /** How long the slot of a node that is gone is kept. */
  readonly slotForgetMs: number;
  /** `pg_basebackup --max-rate`; empty: as fast as it can. */
  readonly cloneMaxRate: string;
  /** Whose data are cloned. */
  readonly cloneFrom: "master" | "standby";
  readonly priority: "low" | "normal" | "high" | "never";
  readonly walKeep: string;
  /** The folder of a volume for the log; empty: it is in the data directory. */
  readonly walDir: string;
  /** `0`: no slots. */
  readonly slotKeep: string;
  readonly archive: string;
  readonly archiveKeep: number;
  /** All moments of so long a time can be gone back to. */
  readonly archiveKeepMs: number;
  readonly archivePromote: boolean;
  /** A master makes a base backup when the last one is so old. */
  readonly backupIntervalMs: number;
  /** `archive_command` and `restore_command` of a backup tool, in the place of `archive`. */
  readonly archiveCommand: string;
  readonly restoreCommand: string;
  /** Commands that make a base backup, a node's data from one, and the group's first data. */
  readonly backupCommand: string;
  readonly cloneCommand: string;
  readonly initdbCommand: string;
  readonly initdbDir: string;
  readonly tls: TlsSettings | undefined;
  /** 0: the server's numbers are not served. */
  readonly metricsPort: number;
  /** Standbys keep the master's logical slots. */
  readonly logicalSlots: boolean;
  /** Empty: on all addresses. */
  readonly metricsAddress: string;
}

/** Files that were given; the server and the nodes use copies of them in `home`. */
export interface TlsSettings {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  readonly mode: "require" | "verify-ca" | "verify-full";
}

/** Returns the settings in an environment. Throws a `HookFailure` where a secret's file can't be read. */
export function readSettings(env: Environment): Settings {
  const seconds = (name: string, fallback: number): number => Number(env[name] || fallback) * 1_000;
  const runDir = env["MSDHA_RUN_DIR"] || DEFAULT_RUN_DIR;
  const data = withoutSlash(env["PGDATA"] || "/var/lib/postgresql/data");
  const superuser = readSecret(env, "POSTGRES_USER") || env["PGUSER"] || "postgres";
  return {
    name: env["MSDHA_NAME"] ?? "",
    ttlMs: seconds("MSDHA_TTL", 10),
    runDir,
    home: join(runDir, "postgresql"),
    data,
    parent: dirname(data),
    port: Number(env["PGPORT"] || 5432),
    listen: env["MSDHA_PG_LISTEN"] || "*",
    superuser,
    database: readSecret(env, "POSTGRES_DB") || superuser,
    replicator: env["MSDHA_PG_REPLICATION_USER"] || "replicator",
    osUser: env["MSDHA_PG_OS_USER"] || "postgres",
    sync: (env["MSDHA_PG_SYNC"] || "off") as Settings["sync"],
    maxLag: parseSize(env["MSDHA_PG_MAX_LAG"] || "1MB") ?? Number.NaN,
    syncPatienceMs: seconds("MSDHA_PG_SYNC_PATIENCE", 5),
    syncNodes: Number(env["MSDHA_PG_SYNC_NODES"] || 1),
    reclone: env["MSDHA_PG_RECLONE"] === "yes",
    handover: (env["MSDHA_PG_HANDOVER"] || "received") as Settings["handover"],
    stopWaitMs: seconds("MSDHA_PG_STOP_WAIT", 3),
    checkpointTimeoutMs: seconds("MSDHA_PG_CHECKPOINT_TIMEOUT", 5),
    streamPatienceMs: duration(env, "MSDHA_PG_STREAM_PATIENCE", "60"),
    restartFirstSeconds: Number(env["MSDHA_PG_RESTART_FIRST"] || 0),
    masterWaitMs: duration(env, "MSDHA_PG_MASTER_WAIT", "5m"),
    walSenderTimeoutMs: seconds("MSDHA_PG_WAL_SENDER_TIMEOUT", 6),
    slotForgetMs: duration(env, "MSDHA_PG_SLOT_FORGET", "1d"),
    cloneMaxRate: env["MSDHA_PG_CLONE_MAX_RATE"] ?? "",
    cloneFrom: (env["MSDHA_PG_CLONE_FROM"] || "master") as Settings["cloneFrom"],
    priority: (env["MSDHA_PG_PRIORITY"] || "normal") as Settings["priority"],
    walDir: env["MSDHA_PG_WAL_DIR"] || env["POSTGRES_INITDB_WALDIR"] || "",
    walKeep: env["MSDHA_PG_WAL_KEEP"] || "128MB",
    slotKeep: env["MSDHA_PG_SLOT_KEEP"] || "1GB",
    archive: env["MSDHA_PG_ARCHIVE"] ?? "",
    archiveKeep: Number(env["MSDHA_PG_ARCHIVE_KEEP"] || 2),
    archiveKeepMs: duration(env, "MSDHA_PG_ARCHIVE_KEEP_TIME", "7d"),
    archivePromote: env["MSDHA_PG_ARCHIVE_PROMOTE"] === "yes",
    backupIntervalMs: duration(env, "MSDHA_PG_BACKUP_INTERVAL", "1d"),
    archiveCommand: env["MSDHA_PG_ARCHIVE_COMMAND"] ?? "",
    restoreCommand: env["MSDHA_PG_RESTORE_COMMAND"] ?? "",
    backupCommand: env["MSDHA_PG_BACKUP_COMMAND"] ?? "",
    cloneCommand: env["MSDHA_PG_CLONE_COMMAND"] ?? "",
    initdbCommand: env["MSDHA_PG_INITDB_COMMAND"] ?? "",
    initdbDir: env["MSDHA_PG_INITDB_DIR"] || "/docker-entrypoint-initdb.d",
    tls: readTls(env),
    logicalSlots: env["MSDHA_PG_LOGICAL_SLOTS"] === "yes",
    metricsPort: Number(env["MSDHA_PG_METRICS_PORT"] || 0),
    metricsAddress: env["MSDHA_STATUS_BIND"] ?? "",
  };
}

/** What is kept beside the data directory has its path with an ending. After a slash it would be inside. */
function withoutSlash(path: string): string {
  return path.replace(/(?<!^)(\/\.?)+$/, "");
}

/** What can't be read is NaN: `checkSettings` refuses it. */
function duration(env: Environment, name: string, fallback: string): number {
  return parseDuration(env[name] || fallback) ?? Number.NaN;
}

function readTls(env: Environment): TlsSettings | undefined {
  const key = env["MSDHA_PG_SSL_KEY"];
  if (!key) return undefined;
  const ca = env["MSDHA_PG_SSL_CA"] || undefined;
  const mode = env["MSDHA_PG_SSL_MODE"] || (ca === undefined ? "require" : "verify-full");
  return { cert: env["MSDHA_PG_SSL_CERT"] ?? "", key, ca, mode: mode as TlsSettings["mode"] };
}

/**
 * Returns the value of a variable, or the text of the file that the variable NAME_FILE names; empty where neither is
 * set. Throws a `HookFailure` where both are, or where the file can't be read.
 */
export function readSecret(env: Environment, name: string): string {
  const value = env[name] ?? "";
  const file = env[`${name}_FILE`] ?? "";
  if (file === "") return value;
  if (value !== "") fail(`${name} and ${name}_FILE: expected one of them, got both`);
  try {
    // PostgreSQL's own programs take no line end from a file either, of whatever kind.
    return readFileSync(file, "utf8").replace(/[\r\n]+$/, "");
  } catch (error) {
    return fail(`${name}_FILE: can't read ${file}`, { cause: error });
  }
}
