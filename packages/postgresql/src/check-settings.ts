import { accessSync, constants, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { checkServerValues } from "./check-server-values.ts";
import { parseDuration } from "./durations.ts";
import { fail, messageOf } from "./failure.ts";
import { type Environment, readSecret, type Settings } from "./settings.ts";

const KNOWN = new Set(
  `
    ARCHIVE ARCHIVE_COMMAND ARCHIVE_KEEP ARCHIVE_KEEP_TIME ARCHIVE_PROMOTE ARGS BACKUP_COMMAND BACKUP_INTERVAL BIN
    CHECKPOINT_TIMEOUT CLONE_COMMAND CLONE_FROM CLONE_MAX_RATE HANDOVER INITDB_COMMAND INITDB_DIR
    LISTEN LOGICAL_SLOTS MASTER_WAIT MAX_LAG METRICS_PORT OS_USER PRIORITY RECLONE REPLICATION_PASSWORD REPLICATION_PASSWORD_FILE
    REPLICATION_USER RESTART_FIRST RESTORE_COMMAND SLOT_FORGET SLOT_KEEP SSL_CA SSL_CERT SSL_KEY SSL_MODE STOP_WAIT STREAM_PATIENCE
    SYNC SYNC_NODES SYNC_PATIENCE WAL_DIR WAL_KEEP WAL_SENDER_TIMEOUT
  `
    .trim()
    .split(/\s+/)
    .map((name) => `MSDHA_PG_${name}`),
);

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  MSDHA_PG_SYNC: ["off", "preferred", "strict"],
  MSDHA_PG_RECLONE: ["yes", "no"],
  MSDHA_PG_HANDOVER: ["received", "clean"],
  MSDHA_PG_LOGICAL_SLOTS: ["yes", "no"],
  MSDHA_PG_CLONE_FROM: ["master", "standby"],
  MSDHA_PG_ARCHIVE_PROMOTE: ["yes", "no"],
  MSDHA_PG_PRIORITY: ["low", "normal", "high", "never"],
  MSDHA_PG_SSL_MODE: ["require", "verify-ca", "verify-full"],
};

const WHOLE_NUMBERS = [
  "CHECKPOINT_TIMEOUT",
  "STOP_WAIT",
  "SYNC_PATIENCE",
  "ARCHIVE_KEEP",
  "WAL_SENDER_TIMEOUT",
  "RESTART_FIRST",
];

/**
 * Throws a `HookFailure`, whose line says what was wrong and what was expected, for the first setting that can't be.
 * Looks at nothing but the environment and at whether the files that it names can be read.
 */
export function checkSettings(env: Environment, settings: Settings): void {
  for (const name of Object.keys(env).filter((one) => one.startsWith("MSDHA_PG_"))) {
    if (!KNOWN.has(name)) fail(`${name}: there is no such setting`);
  }
  for (const [name, allowed] of Object.entries(CHOICES)) {
    const value = env[name] || allowed[0];
    if (!allowed.includes(value ?? "")) fail(`${name}: expected ${list(allowed)}, got ${value}`);
  }
  for (const name of WHOLE_NUMBERS.map((one) => `MSDHA_PG_${one}`)) {
    const value = env[name] || "0";
    if (!/^\d{1,5}$/.test(value)) fail(`${name}: expected a whole number, got ${value}`);
  }
  if (Number.isNaN(settings.maxLag)) {
    fail(`MSDHA_PG_MAX_LAG: expected a size such as 1MB, or infinity, got ${env["MSDHA_PG_MAX_LAG"]}`);
  }
  if (!Number.isInteger(settings.metricsPort) || settings.metricsPort > 65_535 || settings.metricsPort < 0) {
    fail(`MSDHA_PG_METRICS_PORT: expected a port from 1 to 65535, got ${env["MSDHA_PG_METRICS_PORT"]}`);
  }
  checkDurations(env);
  if (settings.archiveKeep === 0) fail("MSDHA_PG_ARCHIVE_KEEP: expected at least 1, got 0");
  if (settings.superuser === settings.replicator) {
    fail(`MSDHA_PG_REPLICATION_USER: expected another user than the superuser ${settings.superuser}`);
  }
  for (const value of [settings.superuser, settings.replicator, settings.database]) {
    if (/["\\'\n]/.test(value)) {
      fail(
        `POSTGRES_USER, POSTGRES_DB, MSDHA_PG_REPLICATION_USER: expected no quotes and backslashes, got ${value}`,
      );
    }
  }
  if (readSecret(env, "MSDHA_PG_REPLICATION_PASSWORD") === "") {
    fail(
      "MSDHA_PG_REPLICATION_PASSWORD or MSDHA_PG_REPLICATION_PASSWORD_FILE: expected a password, got none",
    );
  }
  checkServerValues(env, settings);
  checkSync(settings, env);
  if (settings.logicalSlots && settings.slotKeep === "0") {
    fail("MSDHA_PG_SLOT_KEEP: expected more than 0, since MSDHA_PG_LOGICAL_SLOTS is yes");
  }
  checkTls(env);
  checkArchive(settings);
}

function checkSync({ restartFirstSeconds, slotKeep, sync, syncNodes }: Settings, env: Environment): void {
  if (restartFirstSeconds > 0 && sync !== "off") {
    fail(
      `MSDHA_PG_RESTART_FIRST: expected 0, since MSDHA_PG_SYNC is ${sync} and another node takes over without a loss, got ${restartFirstSeconds}`,
    );
  }
  const name = "MSDHA_PG_SYNC_NODES";
  if (!/^[1-9]?$/.test(env[name] ?? "")) fail(`${name}: expected a number from 1 to 9, got ${env[name]}`);
  if (syncNodes === 1) return;
  if (sync === "off") {
    fail(
      `${name}: expected none, since MSDHA_PG_SYNC is off and commits wait for no standby, got ${syncNodes}`,
    );
  }
  if (slotKeep === "0") {
    fail(
      `MSDHA_PG_SLOT_KEEP: expected more than 0, since ${name} is ${syncNodes}: without a slot a standby may count twice`,
    );
  }
}

const DURATIONS = ["STREAM_PATIENCE", "SLOT_FORGET", "ARCHIVE_KEEP_TIME", "BACKUP_INTERVAL", "MASTER_WAIT"];

function checkDurations(env: Environment): void {
  for (const name of DURATIONS.map((one) => `MSDHA_PG_${one}`)) {
    const value = env[name] || "0";
    if (parseDuration(value) === undefined) {
      fail(`${name}: expected a duration such as 90, 15m, 12h, 1d or infinity, got ${value}`);
    }
  }
}

function list(values: readonly string[]): string {
  return `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
}

function checkTls(env: Environment): void {
  const value = (setting: string): string => env[`MSDHA_PG_SSL_${setting}`] ?? "";
  if (["CERT", "KEY", "CA", "MODE"].every((setting) => value(setting) === "")) return;
  for (const setting of ["CERT", "KEY"]) {
    if (value(setting) === "") {
      fail(`MSDHA_PG_SSL_${setting}: expected a file, since other settings of TLS are given`);
    }
  }
  for (const setting of ["CERT", "KEY", "CA"]) {
    const file = value(setting);
    if (file !== "" && !isReadable(file)) fail(`MSDHA_PG_SSL_${setting}: can't read ${file}`);
  }
  checkCertificate(value("CERT"), value("KEY"));
  if (value("MODE").startsWith("verify") && value("CA") === "") {
    fail(`MSDHA_PG_SSL_CA: expected a file, since MSDHA_PG_SSL_MODE is ${value("MODE")}`);
  }
}

/** A server does not start with another certificate's key. One with a passphrase only the server can read (`ssl_passphrase_command`). */
function checkCertificate(cert: string, key: string): void {
  const pem = readFileSync(key, "latin1");
  if (pem.includes("ENCRYPTED")) return;
  try {
    createSecureContext({ cert: readFileSync(cert), key: pem });
  } catch (error) {
    fail(
      `MSDHA_PG_SSL_CERT, MSDHA_PG_SSL_KEY: expected a certificate and its key, got ${cert} and ${key} (${messageOf(error)})`,
    );
  }
}

function checkArchive(settings: Settings): void {
  const { archive, archiveCommand, backupCommand, backupIntervalMs, cloneCommand, restoreCommand } = settings;
  const given = Object.entries({
    MSDHA_PG_ARCHIVE_COMMAND: archiveCommand,
    MSDHA_PG_RESTORE_COMMAND: restoreCommand,
    MSDHA_PG_BACKUP_COMMAND: backupCommand,
    MSDHA_PG_CLONE_COMMAND: cloneCommand,
  }).find(([, command]) => command !== "");
  if (archive !== "" && given) fail(`${given[0]}: expected none beside MSDHA_PG_ARCHIVE, got both`);
  if (backupIntervalMs === 0) fail("MSDHA_PG_BACKUP_INTERVAL: expected more than 0, got 0");
  requireWords("MSDHA_PG_ARCHIVE_COMMAND", archiveCommand, ["%p"]);
  requireWords("MSDHA_PG_RESTORE_COMMAND", restoreCommand, ["%p", "%f"]);
  if (cloneCommand !== "" && restoreCommand === "") {
    fail("MSDHA_PG_RESTORE_COMMAND: expected a command, since MSDHA_PG_CLONE_COMMAND is given");
  }
  checkArchiveFolder(settings);
}

function requireWords(name: string, command: string, words: readonly string[]): void {
  if (command === "") return;
  if (command.includes("\n")) fail(`${name}: expected one line, got several`);
  const missing = words.find((word) => !command.includes(word));
  if (missing !== undefined) fail(`${name}: expected ${missing} in it, got ${command}`);
}

/** The path goes through the shells and formats of two commands. */
function checkArchiveFolder({ archive, data }: Settings): void {
  if (archive === "") return;
  if (!/^[A-Za-z0-9_./-]*$/.test(archive)) {
    fail(`MSDHA_PG_ARCHIVE: expected a path of letters, digits and _ . / -, got ${archive}`);
  }
  if (!archive.startsWith("/")) fail(`MSDHA_PG_ARCHIVE: expected an absolute path, got ${archive}`);
  // pg_rewind removes what the other server does not have, and each backup would have all others in it.
  if (`${resolve(archive)}/`.startsWith(`${resolve(data)}/`)) {
    fail(`MSDHA_PG_ARCHIVE: expected a folder outside of PGDATA, got ${archive}`);
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
