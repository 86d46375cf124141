import { accessSync, constants, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { newData } from "./place.ts";
import { pgCtlOptions } from "./site-args.ts";

const UNPACKERS: Readonly<Record<string, string>> = {
  ".sql.gz": "gunzip -c",
  ".sql.xz": "xz -dc",
  ".sql.zst": "zstd -dc",
};

/**
 * Runs what the official image runs once, in `/docker-entrypoint-initdb.d`, on a server that nobody else reaches.
 * Rejects with a `HookFailure` when a script fails.
 */
export async function runInitScripts(context: HookContext): Promise<void> {
  const { settings, files } = context;
  const { initdbDir, home } = settings;
  const scripts = list(initdbDir);
  if (scripts.length === 0) return;
  const pgCtl = [context.program("pg_ctl"), "-D", newData(context), "-w"];
  const log = join(home, "initdb.log");
  const started = await context.run([
    ...pgCtl,
    "-l",
    log,
    "start",
    "-o",
    pgCtlOptions(context, newData(context)),
  ]);
  if (started.code !== 0) {
    const why = files.read(log)?.trimEnd().split("\n").at(-1) ?? started.stderr;
    fail(`no server for the scripts in ${initdbDir} could be started: ${why}`);
  }
  for (const script of scripts.map((name) => join(initdbDir, name))) {
    context.log(`running ${script}`);
    if (await runScript(context, script)) continue;
    await context.run([...pgCtl, "-m", "immediate", "stop"]);
    fail(`${script} failed: the data that it was to fill are not taken into use`);
  }
  const stopped = await context.run([...pgCtl, "-m", "fast", "stop"]);
  if (stopped.code !== 0)
    fail(`the server for the scripts in ${initdbDir} did not stop: ${stopped.stderr.trim()}`);
}

/** Resolves with whether it succeeded. */
async function runScript(context: HookContext, script: string): Promise<boolean> {
  const { env, settings } = context;
  const { home, port, superuser, database } = settings;
  const bin = dirname(context.program("postgres"));
  const scriptEnv = {
    ...env,
    PGHOST: home,
    PGPORT: String(port),
    PGUSER: superuser,
    PGDATABASE: database,
    POSTGRES_USER: superuser,
    POSTGRES_DB: database,
    PGDATA: newData(context),
    PATH: `${bin}:${env["PATH"] ?? ""}`,
  };
  const psql = ["psql", "-Xqv", "ON_ERROR_STOP=1"];
  const unpacker = Object.keys(UNPACKERS).find((end) => script.endsWith(end));
  let command: readonly string[];
  if (script.endsWith(".sh")) {
    const shell = 'if [ -x "$1" ]; then exec "$1"; else exec "$(command -v bash || echo sh)" "$1"; fi';
    command = ["sh", "-c", shell, "sh", script];
  } else if (script.endsWith(".sql")) {
    command = [...psql, "-f", script];
  } else if (unpacker) {
    command = ["sh", "-c", `${UNPACKERS[unpacker]} "$1" | { shift; exec "$@"; }`, "sh", script, ...psql];
  } else {
    context.log(`ignoring ${script}`);
    return true;
  }
  const { code } = await context.run(command, { env: scriptEnv, log: context.log, logOutput: true });
  return code === 0;
}

function list(folder: string): readonly string[] {
  try {
    accessSync(folder, constants.R_OK);
    return readdirSync(folder)
      .filter((name) => !name.startsWith("."))
      .sort();
  } catch {
    return [];
  }
}
