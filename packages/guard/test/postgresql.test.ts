import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { chmod, chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, expect, test } from "vitest";
import { type GuardedProcess, type StartedGuard, startGuard } from "../src/index.ts";
import { buildGuard, killNow, processesWhere, startSupervisor } from "./support.ts";

beforeAll(buildGuard);

const env = { PATH: process.env["PATH"], LC_ALL: "C" };

function findPostgresql(): string {
  const versions = "/usr/lib/postgresql";
  const version = readdirSync(versions).find((name) => existsSync(join(versions, name, "bin/postgres")));
  if (!version) throw new Error(`expected a PostgreSQL server in ${versions}`);
  return join(versions, version, "bin");
}

/** As the user postgres, whom the server insists on. */
function asPostgres(program: string, ...args: string[]): [string, ...string[]] {
  return [
    "setpriv",
    "--reuid=postgres",
    "--regid=postgres",
    "--init-groups",
    join(findPostgresql(), program),
    ...args,
  ];
}

function run([file, ...args]: [string, ...string[]]): string {
  return execFileSync(file, args, { env, cwd: "/", encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

/** An empty data directory and how to use it. */
async function initialise(folder: string) {
  const id = (flag: string): number => Number(run(["id", flag, "postgres"]));
  const data = join(folder, "data");
  await chmod(folder, 0o755);
  await mkdir(data);
  await chown(data, id("-u"), id("-g"));
  run(asPostgres("initdb", "-D", data, "-A", "trust", "-N"));
  const psql = (sql: string): [string, ...string[]] =>
    asPostgres("psql", "-h", data, "-qAtc", sql, "postgres");
  return {
    server: asPostgres("postgres", "-D", data, "-k", data, "-h", "", "-c", "shared_buffers=1MB"),
    query: (sql: string): string => run(psql(sql)).trim(),
    /** A session that commits in a loop of its own, outside the guard. */
    commitForEver(): void {
      const [file, ...args] = psql("DO $$ BEGIN LOOP INSERT INTO t VALUES (1); COMMIT; END LOOP; END $$");
      spawn(file, args, { env, cwd: "/", stdio: "ignore" }).unref();
    },
    /** The server's processes, which all work in its data directory. */
    processes: () => processesWhere((pid) => readlinkSync(`/proc/${pid}/cwd`) === data),
    ready: () => waitFor(() => run(psql("SELECT 1")), { what: "the server", timeoutMs: 30_000 }),
  };
}

async function startServer(
  guard: StartedGuard,
  [file, ...args]: [string, ...string[]],
): Promise<GuardedProcess> {
  return await guard.spawn(file, args, { env, cwd: "/", output: "pipe" });
}

test("PostgreSQL with a session that commits in a loop is gone after killAll(), and starts again on the same data", async () => {
  await using folder = tempDir();
  const database = await initialise(folder.path);
  await using guard = await startGuard();
  await startServer(guard, database.server);
  await database.ready();
  database.query("CREATE TABLE t (n int)");
  database.commitForEver();
  await waitFor(() => Number(database.query("SELECT count(*) FROM t")) > 100, { what: "committed rows" });
  expect(database.processes().length).toBeGreaterThan(4);

  await guard.killAll();
  expect(database.processes()).toEqual([]);

  const again = await startServer(guard, database.server);
  await database.ready();
  expect(Number(database.query("SELECT count(*) FROM t"))).toBeGreaterThan(100);
  again.kill("SIGINT");
  expect(await again.exited).toEqual({ code: 0, signal: null });
  await guard.gone();
});

test("PostgreSQL whose supervisor is killed is gone when a new guard gets the lock file, and starts again", async () => {
  await using folder = tempDir();
  const database = await initialise(folder.path);
  const lockFile = join(folder.path, "lock");
  const mark = {
    env,
    alive: database.processes,
    [Symbol.dispose]: () => database.processes().forEach(killNow),
  };
  using _ = mark;
  await using supervisor = startSupervisor({ lockFile, spawn: [database.server], output: "pipe" }, mark);
  await supervisor.event("ready");
  await database.ready();
  database.query("CREATE TABLE t (n int)");
  database.commitForEver();
  await waitFor(() => Number(database.query("SELECT count(*) FROM t")) > 100, { what: "committed rows" });

  killNow(supervisor.pid);
  await using guard = await startGuard({ lockFile, lockWaitMs: 10_000 });
  expect(database.processes()).toEqual([]);
  await startServer(guard, database.server);
  await database.ready();
  expect(Number(database.query("SELECT count(*) FROM t"))).toBeGreaterThan(100);
});
