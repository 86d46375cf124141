import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { judgeHealth } from "./health.ts";
import { ASK_SOCKET } from "./run-dir.ts";
import type { FrontendStatus } from "./status.ts";

const LONGEST_REQUEST = 1_024;
const MOST_CONNECTIONS = 16;
const PATIENCE_MS = 10_000;

/**
 * Answers health checks that start no Node: `msdha-guard --ask` sends the arguments of the command, each with a NUL
 * behind it, and gets the exit code as a byte, and text. Only this process's own user can open the socket. Disposing
 * stops it. Rejects when the socket can't be made.
 */
export async function serveAsks(
  readStatus: () => Promise<FrontendStatus>,
  runDir: string,
): Promise<AsyncDisposable> {
  const path = join(runDir, ASK_SOCKET);
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    let request = "";
    socket.on("data", (chunk) => {
      request += chunk.toString("latin1");
      if (request.length > LONGEST_REQUEST) socket.destroy();
    });
    socket.once("end", () => void answer(request, readStatus).then((reply) => socket.end(reply)));
  });
  server.maxConnections = MOST_CONNECTIONS;
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(umask);
  }
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await rm(path, { force: true });
    },
  };
}

async function answer(request: string, readStatus: () => Promise<FrontendStatus>): Promise<Buffer> {
  const [command, ...options] = request.split("\0").slice(0, -1);
  const reply = (code: number, text: string): Buffer => Buffer.concat([Buffer.of(code), Buffer.from(text)]);
  if (command !== "healthcheck" || options.some((option) => option !== "--ready"))
    return reply(1, "msdha-frontend: expected healthcheck, with --ready or nothing behind it\n");
  try {
    const { code, text } = judgeHealth(await readStatus(), { ready: options.length > 0 });
    return reply(code, text);
  } catch (error) {
    return reply(1, `msdha-frontend: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
