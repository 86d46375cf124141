import { rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { type Routes, serveRoutes } from "@msdha/status-port";
import { RunDirTakenError } from "./errors.ts";
import { STATUS_SOCKET } from "./run-dir.ts";

export interface StatusServerOptions {
  readonly runDir: string;
  /** A TCP port to answer on too. */
  readonly port: number | undefined;
  /** The IP address of that port; default: all. */
  readonly address?: string | undefined;
}

/**
 * Answers on a unix socket of the run folder and, if wanted, on a TCP port. Rejects with a `RunDirTakenError` when another
 * frontend answers on the socket, and with a `ListenError` for the port. Disposing stops it.
 */
export async function serveStatus(
  routes: Routes,
  { runDir, port, address }: StatusServerOptions,
): Promise<AsyncDisposable> {
  const path = join(runDir, STATUS_SOCKET);
  if (await answers(path)) throw new RunDirTakenError(runDir);
  await rm(path, { force: true });
  await using servers = new AsyncDisposableStack();
  servers.use(await serveRoutes(routes, { path }, { name: path }));
  if (port !== undefined) {
    const name = `MSDHA_STATUS_PORT ${port}`;
    servers.use(await serveRoutes(routes, { port, host: address }, { name }));
  }
  const kept = servers.move();
  return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const settle = (there: boolean): void => {
      socket.destroy();
      resolve(there);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
