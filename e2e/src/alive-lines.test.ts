import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { getFreePort, startChild, tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createServer as createPostgres } from "./guard-freeze/postgresql-server.ts";
import { aliveScripts } from "./support/hooks-page.ts";

/** How long a hook may take by default, in ms. */
const LIMIT_MS = 5_000;

interface Place {
  readonly dir: string;
  readonly port: number;
}

/** A program that the lines of docs/hooks.md ask. */
interface Program {
  /** Prepares what there must be, and returns the command that becomes the program. */
  readonly start: (place: Place) => readonly [string, ...string[]];
  /** What the command of the line finds in its environment. */
  readonly env?: (place: Place) => NodeJS.ProcessEnv;
  /** What the command of the line takes besides, by its name: it asks another place than the usual one. */
  readonly options?: (place: Place) => Readonly<Record<string, string>>;
  /** Whether the line notices a program that stands still. The kernel takes connections for one. */
  readonly noticesStandstill: boolean;
}

const HTTP_SERVER =
  'require("node:http").createServer((_, answer) => answer.end("well")).listen(process.argv[1], "127.0.0.1")';

const programs: Readonly<Record<string, Program>> = {
  TCP: {
    start: ({ port }) => [process.execPath, "-e", HTTP_SERVER, String(port)],
    noticesStandstill: false,
  },
  HTTP: {
    start: ({ port }) => [process.execPath, "-e", HTTP_SERVER, String(port)],
    noticesStandstill: true,
  },
  Redis: {
    start: ({ dir, port }) => [
      "redis-server",
      "--bind",
      "127.0.0.1",
      "--port",
      String(port),
      "--dir",
      dir,
      "--save",
      "",
    ],
    options: ({ port }) => ({ "redis-cli": `-p ${port}` }),
    noticesStandstill: true,
  },
  PostgreSQL: {
    start: ({ dir }) => ["sh", "-c", `exec ${createPostgres(join(dir, "postgresql")).command}`],
    env: ({ dir }) => ({ PGHOST: join(dir, "postgresql", "sockets") }),
    noticesStandstill: true,
  },
  SQL: {
    start: ({ dir }) => {
      const data = join(dir, "data");
      const made = ["--no-defaults", `--datadir=${data}`, "--user=root", "--skip-test-db", `--tmpdir=${dir}`];
      execFileSync("mariadb-install-db", made, { stdio: "ignore" });
      const socket = `--socket=${join(dir, "mariadb.sock")}`;
      return [
        "mariadbd",
        "--no-defaults",
        `--datadir=${data}`,
        "--user=root",
        "--skip-networking",
        socket,
        `--tmpdir=${dir}`,
      ];
    },
    options: ({ dir }) => ({ mariadb: `--socket=${join(dir, "mariadb.sock")}` }),
    noticesStandstill: true,
  },
};

describe("the lines for alive in docs/hooks.md", () => {
  test("are each tried", () => {
    expect([...aliveScripts.keys()].toSorted()).toEqual(Object.keys(programs).toSorted());
  });

  test.for(Object.entries(programs))("%s", async ([what, { start, env, options, noticesStandstill }]) => {
    await using folder = tempDir();
    // The program may be another user's.
    chmodSync(folder.path, 0o755);
    const dir = join(folder.path, "program");
    mkdirSync(dir);
    const place = { dir, port: await getFreePort() };
    let hook = (aliveScripts.get(what) ?? "")
      .replace("6379", String(place.port))
      .replace("8080", String(place.port));
    for (const [command, option] of Object.entries(options?.(place) ?? {})) {
      hook = hook.replace(command, `${command} ${option}`);
    }
    const isAlive = (): Promise<boolean> => run(hook, { ...process.env, ...env?.(place) });
    const [file, ...args] = start(place);
    expect(await isAlive()).toBe(false);
    await using program = startChild(file, args, { logFile: join(folder.path, "log") });
    await waitFor(isAlive, { what: `the line of ${what} to say that it is alive`, timeoutMs: 30_000 });
    program.freeze();
    expect(await isAlive()).toBe(!noticesStandstill);
    program.thaw();
    await waitFor(isAlive, { what: `the line of ${what} to say so again`, timeoutMs: 30_000 });
    await program.kill("SIGTERM");
    expect(await isAlive()).toBe(false);
  });
});

/** Runs a hook as a node does: what is not done in time is killed, and has failed. */
async function run(script: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const child: ChildProcess = spawn("sh", ["-c", script], { env, stdio: "ignore", detached: true });
  const ended = Promise.withResolvers<boolean>();
  const limit = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, LIMIT_MS);
  child.once("exit", (code) => ended.resolve(code === 0));
  child.once("error", ended.reject);
  try {
    return await ended.promise;
  } finally {
    clearTimeout(limit);
  }
}
