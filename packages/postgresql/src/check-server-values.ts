import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { fail, messageOf } from "./failure.ts";
import { type Environment, readSecret, type Settings } from "./settings.ts";
import { parseSize } from "./sizes.ts";
import { splitWords } from "./words.ts";

/** What works in pg_hba.conf for clients of all kinds, without options. */
const METHODS = ["scram-sha-256", "md5", "password", "trust", "reject", "ident", "gss", "pam"];
/** PostgreSQL counts in megabytes, up to this many. */
const MOST_MB = 2_147_483_647;
const LONGEST_SOCKET_PATH = 107;

/**
 * Throws a `HookFailure` for the first value that a server would not start with, or PostgreSQL's own programs would not take. They are
 * written into settings and command lines, where a mistake would only be found when the data are made.
 */
export function checkServerValues(env: Environment, settings: Settings): void {
  checkPort(env["PGPORT"] ?? "");
  checkPaths(settings);
  if (!settings.listen.split(",").every((address) => /^\s*[\w.:%*-]+\s*$/.test(address))) {
    fail(`MSDHA_PG_LISTEN: expected addresses with commas between them, or *, got ${settings.listen}`);
  }
  // The data have these already, and their files may be gone.
  if (!existsSync(join(settings.data, "PG_VERSION"))) checkFirstValues(env);
  const walKeep = "expected a size such as 128MB, or 0";
  checkMegabytes("MSDHA_PG_WAL_KEEP", settings.walKeep, walKeep);
  if (settings.slotKeep !== "-1") {
    const slotKeep = "expected a size such as 1GB, 0 for no slots, or -1 for no limit";
    checkMegabytes("MSDHA_PG_SLOT_KEEP", settings.slotKeep, slotKeep);
  }
  checkCloneRate(settings.cloneMaxRate);
  checkWords("MSDHA_PG_ARGS", env["MSDHA_PG_ARGS"] ?? "");
  checkOneLine(env, "MSDHA_PG_REPLICATION_PASSWORD");
}

/** What is only used where the data are made. */
function checkFirstValues(env: Environment): void {
  const method = env["POSTGRES_HOST_AUTH_METHOD"] || "scram-sha-256";
  if (!METHODS.includes(method)) {
    fail(`POSTGRES_HOST_AUTH_METHOD: expected one of ${METHODS.join(", ")}, got ${method}`);
  }
  checkWords("POSTGRES_INITDB_ARGS", readSecret(env, "POSTGRES_INITDB_ARGS"));
  checkOneLine(env, "POSTGRES_PASSWORD");
}

function checkOneLine(env: Environment, name: string): void {
  if (/[\r\n]/.test(readSecret(env, name))) fail(`${name}: expected one line, got several`);
}

function checkPort(port: string): void {
  if (port === "" || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) return;
  fail(`PGPORT: expected a port from 1 to 65535, got ${port}`);
}

function checkPaths({ data, home, port, runDir }: Settings): void {
  for (const [name, path] of [
    ["PGDATA", data],
    ["MSDHA_RUN_DIR", runDir],
  ] as const) {
    if (!isAbsolute(path)) fail(`${name}: expected an absolute path, got ${path}`);
    if (/[,"'\\\n]/.test(path)) {
      fail(`${name}: expected a path without commas, quotes and backslashes, got ${path}`);
    }
  }
  if (data.endsWith("/..")) fail(`PGDATA: expected a path that ends in a name, got ${data}`);
  const tooLong = Buffer.byteLength(`${home}/.s.PGSQL.${port}`) - LONGEST_SOCKET_PATH;
  if (tooLong > 0) {
    const most = Buffer.byteLength(runDir) - tooLong;
    fail(`MSDHA_RUN_DIR: expected a path of at most ${most} bytes, for the server's socket, got ${runDir}`);
  }
}

/** A number alone is one of megabytes, as in PostgreSQL. Less than one of them would be rounded to none. */
function checkMegabytes(name: string, value: string, expected: string): void {
  const bytes = parseSize(/^\d{1,9}$/.test(value) ? `${value}MB` : value);
  const mb = (bytes ?? Number.NaN) / 2 ** 20;
  if (value === "0" || (mb >= 1 && mb <= MOST_MB)) return;
  fail(`${name}: ${expected}, got ${value}`);
}

/** `pg_basebackup` takes kilobytes where there is no unit, from 32 of them to a gigabyte. */
function checkCloneRate(rate: string): void {
  const [, count = "", unit = ""] = /^(\d{1,7})([kM]?)$/.exec(rate) ?? [];
  const kilobytes = Number(count) * (unit === "M" ? 1_024 : 1);
  if (rate === "" || (kilobytes >= 32 && kilobytes <= 2 ** 20)) return;
  fail(
    `MSDHA_PG_CLONE_MAX_RATE: expected a rate per second from 32k to 1024M, such as 50M or 800k, got ${rate}`,
  );
}

function checkWords(name: string, line: string): void {
  try {
    splitWords(line);
  } catch (error) {
    fail(`${name}: ${messageOf(error)}, got ${line}`);
  }
}
