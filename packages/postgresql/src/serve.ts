import { existsSync, readFileSync, rmSync, watch } from "node:fs";
import { createServer, type Socket } from "node:net";
import { basename, dirname } from "node:path";
import { HookFailure, messageOf } from "./failure.ts";
import type { Environment } from "./settings.ts";

/** One question of a hook. */
export interface Question {
  readonly hook: string;
  readonly args: readonly string[];
  readonly env: Environment;
  /** Aborts when the hook is over: it has ended, or was ended. */
  readonly signal: AbortSignal;
  /** Writes a line to the hook's standard error. */
  readonly log: (line: string) => void;
}

/** Answers a hook with what it prints, or rejects with a `HookFailure` whose message is its last line. */
export type Answer = (question: Question) => Promise<string>;

/** What precedes text for the standard error, up to a NUL; more follows. See packages/guard/c/ask.c. */
const MORE = 255;
/** Where the folder can't be watched (no inotify instance is left), and where it can. */
const SOCKET_LOOK_MS = 1_000;
const WATCHED_LOOK_MS = 10_000;

/**
 * Serves hooks on a unix socket, until its file is gone: with the run folder, or by another server that has taken its
 * place. A question is the process id of the hook, whose environment is read, its name and its arguments.
 */
export async function serveHooks(socketFile: string, answer: Answer): Promise<void> {
  rmSync(socketFile, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.once("end", () => void respond(socket, text.split("\0").slice(0, -1), answer));
  });
  const mask = process.umask(0o177);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketFile, resolve);
  });
  process.umask(mask);
  await untilGone(socketFile);
}

async function untilGone(file: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (existsSync(file)) return;
      clearInterval(timer);
      watcher?.close();
      resolve();
    };
    const watcher = watchFile(file, look);
    const timer = setInterval(look, watcher ? WATCHED_LOOK_MS : SOCKET_LOOK_MS);
  });
}

function watchFile(file: string, onChange: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      if (name === null || name === basename(file)) onChange();
    });
    watcher.on("error", () => {});
    return watcher;
  } catch {
    return undefined;
  }
}

/** Answers the one hook that this process is, as `serveHooks` would. Resolves with the exit code. */
export async function answerOnce([hook = "", ...args]: readonly string[], answer: Answer): Promise<number> {
  const { signal } = new AbortController();
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  try {
    process.stdout.write(await answer({ hook, args, env: { ...process.env }, signal, log }));
    return 0;
  } catch (error) {
    if (!(error instanceof HookFailure)) log(describe(error));
    log(messageOf(error));
    return 1;
  }
}

async function respond(socket: Socket, words: readonly string[], answer: Answer): Promise<void> {
  const over = new AbortController();
  socket.once("close", () => over.abort(new Error("the hook has ended")));
  const log = (line: string): void => {
    if (socket.writable) socket.write(Buffer.concat([Buffer.of(MORE), Buffer.from(`${line}\n\0`)]));
  };
  const end = (code: number, text: string): void => {
    if (socket.writable) socket.end(Buffer.concat([Buffer.of(code), Buffer.from(text)]));
  };
  try {
    const [pid = "", hook = "", ...args] = words;
    const question = { hook, args, env: readEnvironment(pid), signal: over.signal, log };
    end(0, await answer(question));
  } catch (error) {
    if (!(error instanceof HookFailure) && !over.signal.aborted) process.stderr.write(`${describe(error)}\n`);
    end(1, `${messageOf(error)}\n`);
  } finally {
    over.abort(new Error("the hook has ended"));
  }
}

function readEnvironment(pid: string): Environment {
  if (!/^\d+$/.test(pid)) throw new HookFailure(`expected the process id of a hook, got ${pid}`);
  const entries = readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .filter((entry) => entry.includes("="))
    .map((entry): [string, string] => {
      const end = entry.indexOf("=");
      return [entry.slice(0, end), entry.slice(end + 1)];
    });
  return Object.fromEntries(entries);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
