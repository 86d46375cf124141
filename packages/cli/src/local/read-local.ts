import { join } from "node:path";
import { type LocalView, parseLocalView } from "@msdha/group";
import { type Environment, readVariable } from "@msdha/settings/given";
import { askSocket } from "./ask-socket.ts";

const DEFAULT_RUN_DIR = "/run/msdha";
/** In the run folder: the sockets on which a node takes commands and a frontend answers with its status. */
const NODE_SOCKET = "control.sock";
const FRONTEND_SOCKET = "frontend.sock";
const TIMEOUT_MS = 2_000;

/** Returns the folder that the programs beside this command use. */
export function runDirOf(environment: Environment): string {
  return readVariable(environment, "MSDHA_RUN_DIR") ?? DEFAULT_RUN_DIR;
}

/**
 * Resolves with what the node or the frontend of this container or machine knows of its group; undefined where none answers, or where
 * it has not joined the group yet.
 */
export async function readLocal(runDir: string): Promise<LocalView | undefined> {
  const [node, frontend] = await Promise.all([
    askNode(join(runDir, NODE_SOCKET)),
    askFrontend(join(runDir, FRONTEND_SOCKET)),
  ]);
  return node ?? frontend;
}

async function askNode(path: string): Promise<LocalView | undefined> {
  try {
    const [code, ...text] = await askSocket(path, "view\0", { timeoutMs: TIMEOUT_MS });
    return code === 0 ? parseLocalView(Buffer.from(text).toString("utf8")) : undefined;
  } catch {
    return undefined;
  }
}

async function askFrontend(socketPath: string): Promise<LocalView | undefined> {
  // Loaded only here: it takes 20 ms, which every run of the command would pay for.
  const { request } = await import("node:http");
  return await new Promise((resolve) => {
    const ask = request({ socketPath, path: "/group", timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", () => resolve(undefined));
      response.once("end", () => resolve(parseLocalView(Buffer.concat(chunks).toString("utf8"))));
    });
    ask.once("timeout", () => ask.destroy());
    ask.once("error", () => resolve(undefined));
    ask.end();
  });
}
