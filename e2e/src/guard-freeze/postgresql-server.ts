import { execFileSync } from "node:child_process";
import { chownSync, existsSync, globSync, mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const [postgres] = globSync("/usr/lib/postgresql/*/bin/postgres");

/** Why there can be no PostgreSQL here, if that is so. */
export const obstacle: string | undefined =
  process.getuid?.() !== 0
    ? "a server of another user takes root"
    : postgres === undefined
      ? "PostgreSQL is not installed"
      : undefined;

/** A PostgreSQL of a node's own, and who of it is alive. */
export interface Server {
  readonly data: string;
  /** What becomes the server, for a `start` hook. */
  readonly command: string;
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
  };
  /** The server's processes: all work in its data directory, sessions of their own or not. */
  processes(): readonly number[];
}

/** Initialises a server with a table `t` in a new folder, which users other than root must be able to reach. */
export function createServer(folder: string): Server {
  const data = join(folder, "data");
  const sockets = join(folder, "sockets");
  const port = 5432;
  for (const path of [folder, data, sockets]) {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    if (path !== folder) chownSync(path, userId("-u"), userId("-g"));
  }
  execFileSync("setpriv", [...asPostgres("initdb"), "-D", data, "-A", "trust", "-N"], {
    cwd: "/",
    stdio: "ignore",
  });
  const single = [...asPostgres("postgres"), "--single", "-D", data, "postgres"];
  execFileSync("setpriv", single, {
    cwd: "/",
    input: "CREATE TABLE t (x int)\n",
    stdio: ["pipe", "ignore", "ignore"],
  });
  const settings = ["-D", data, "-k", sockets, "-p", String(port), "-h", "''", "-c", "shared_buffers=1MB"];
  return {
    data,
    command: ["setpriv", ...asPostgres("postgres"), ...settings].join(" "),
    connection: { host: sockets, port, user: "postgres", database: "postgres" },
    processes: () =>
      readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name) && worksIn(name, data))
        .map(Number),
  };
}

function worksIn(pid: string, folder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === folder;
  } catch {
    return false;
  }
}

function asPostgres(program: string): readonly string[] {
  if (!postgres || !existsSync(postgres)) throw new Error("expected PostgreSQL in /usr/lib/postgresql");
  const file = program === basename(postgres) ? postgres : join(dirname(postgres), program);
  return ["--reuid=postgres", "--regid=postgres", "--init-groups", file];
}

function userId(flag: "-u" | "-g"): number {
  return Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
}
