import { readdirSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Account } from "./account.ts";
import { type Connection, isRefusal, openConnection, type Rows } from "./connection.ts";
import { HookFailure } from "./failure.ts";
import { type Files, readText } from "./files.ts";
import { superuserOptions } from "./session-options.ts";
import type { Settings } from "./settings.ts";

/** How long a statement may take that says nothing else. */
const QUERY_MS = 10_000;

/** This node's server. */
export interface LocalServer {
  /** Resolves with the rows of a statement of the superuser, over the server's socket. */
  query(statement: string, options?: { readonly timeoutMs?: number }): Promise<Rows>;
  /** Resolves with the first column of the first row; null where there is no row. */
  value(statement: string, options?: { readonly timeoutMs?: number }): Promise<string | null>;
  /** The same over a session that is opened for it, and closed. */
  valueInNewSession(statement: string): Promise<string | null>;
  /** Has the running server read its settings again; does nothing where there is none. */
  reload(): void;
  /** Asks the running server to stop fast; does not wait. */
  stop(): void;
  /** Kills all processes of the server, also those that are stopped. Returns how many there were. */
  kill(): number;
  /** Returns whether it says that it takes connections. To ask it would put a line into its log each time. */
  takesConnections(): boolean;
  /** Returns the file of the log that the server is replaying, or has replayed up to; undefined where that can't be seen. */
  replayedFile(): string | undefined;
  /** Returns whether any process of a server works in the data directory. */
  isRunning(): boolean;
  /** Returns the ids of the processes of a server that work in the data directory; a shell of an operator is none. */
  processes(): readonly number[];
}

/** Sessions that are kept, for the hooks of this node. */
export interface SessionPool {
  readonly idle: Map<string, Connection[]>;
}

export function createSessionPool(): SessionPool {
  return { idle: new Map() };
}

export function openLocalServer(
  settings: Settings,
  { account, files, pool, password }: { account: Account; files: Files; pool: SessionPool; password: string },
): LocalServer {
  const { home, port, superuser, data } = settings;
  const key = `${home} ${port} ${superuser}`;

  const version = (): number => Number.parseInt(files.read(join(data, "PG_VERSION")) ?? "0", 10);

  const open = (): Promise<Connection> =>
    openConnection(
      { host: home, port, user: superuser, password, options: superuserOptions(version()) },
      { connect: (connect) => account.act(connect) },
    );

  async function take(): Promise<Connection> {
    const idle = pool.idle.get(key) ?? [];
    for (let kept = idle.pop(); kept; kept = idle.pop()) if (!kept.broken) return kept;
    return await open();
  }

  function giveBack(connection: Connection): void {
    const idle = pool.idle.get(key) ?? [];
    pool.idle.set(key, idle);
    if (connection.broken) return;
    if (idle.length > 0) connection.close();
    else idle.push(connection);
  }

  async function query(statement: string, { timeoutMs = QUERY_MS } = {}): Promise<Rows> {
    const connection = await take();
    try {
      return await connection.query(statement, timeoutMs);
    } finally {
      giveBack(connection);
    }
  }

  /** The server's first process, if it works in our data: a number in a file may be another process's by now. */
  function postmaster(): number | undefined {
    const pid = Number(files.read(join(data, "postmaster.pid"))?.split("\n", 1)[0]);
    return Number.isInteger(pid) && pid > 1 && worksIn(pid, data) && isPostgres(pid) ? pid : undefined;
  }

  const serverProcesses = (): readonly number[] =>
    processes().filter((pid) => worksIn(pid, data) && isPostgres(pid));

  const signal = (name: NodeJS.Signals): void => {
    const pid = postmaster();
    if (pid !== undefined) send(pid, name);
  };

  return {
    query,
    async value(statement, options) {
      return (await query(statement, options))[0]?.[0] ?? null;
    },
    async valueInNewSession(statement) {
      const connection = await open();
      try {
        return (await connection.query(statement, QUERY_MS))[0]?.[0] ?? null;
      } finally {
        connection.close();
      }
    },
    reload: () => signal("SIGHUP"),
    stop: () => signal("SIGINT"),
    kill() {
      const first = postmaster();
      const others = serverProcesses();
      // The first one first: it would take the end of the others for a crash, and clean up after them. And before that what
      // would start it again.
      const pids = [
        ...(first === undefined ? [] : [...restarterOf(first), first]),
        ...others.filter((pid) => pid !== first),
      ];
      for (const pid of pids) send(pid, "SIGKILL");
      return pids.length;
    },
    takesConnections: () =>
      // A session is kept, which the server would have ended.
      pool.idle.get(key)?.some(({ broken }) => !broken) === true ||
      /^(ready|standby)/.test(files.read(join(data, "postmaster.pid"))?.split("\n")[7] ?? ""),
    replayedFile() {
      const titles = processes()
        .filter((pid) => worksIn(pid, data))
        .map((pid) => readText(`/proc/${pid}/cmdline`) ?? "");
      // What follows the title is padding.
      const startup = titles.find((title) => /^postgres: .*startup /.test(title));
      return /startup \w+(?: for)? ([0-9A-F]{24})/.exec(startup ?? "")?.[1];
    },
    isRunning: () => processes().some((pid) => worksIn(pid, data)),
    processes: serverProcesses,
  };
}

function processes(): readonly number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

/** Every process of PostgreSQL works in the data directory. */
function worksIn(pid: number, data: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch {
    return false;
  }
}

/** Returns the shell of `restart-first.sh` that started the server, where one did. */
function restarterOf(pid: number): readonly number[] {
  const parent = Number(/^PPid:\s*(\d+)/m.exec(readText(`/proc/${pid}/status`) ?? "")?.[1]);
  return readText(`/proc/${parent}/cmdline`)?.includes("/restart-first.sh\0") ? [parent] : [];
}

/** A shell of an operator may stand there. */
function isPostgres(pid: number): boolean {
  return /postgres|postmaster/.test(readText(`/proc/${pid}/cmdline`)?.split("\0", 1)[0] ?? "");
}

/** Resolves with the answer to a question, or undefined where the server does not answer it. */
export async function answerOf<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (error) {
    if (error instanceof HookFailure) throw error;
    return undefined;
  }
}

/** The server is starting, or stopping: it refuses everybody. */
const NOT_NOW = ["57P01", "57P02", "57P03"];

/** Returns why a server that takes connections refuses this node's own session, by the error of a question; undefined for any other error. */
export function refusalOf(error: unknown): string | undefined {
  return isRefusal(error) && !NOT_NOW.includes(error.code ?? "") ? error.message : undefined;
}
