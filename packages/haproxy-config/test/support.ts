import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Child, getFreePort, startChild, tempDir, waitFor } from "@msdha/testkit";
import {
  type ConfigOptions,
  createRuntimeApi,
  type RuntimeApi,
  renderConfig,
  waitForRuntimeApi,
} from "../src/index.ts";

export { askName, type NamedServer, openSession, startLoad, startNamedServer } from "@msdha/testkit";

/** The HAProxy to test with: the one in the path, unless `MSDHA_TEST_HAPROXY` names another. */
const { MSDHA_TEST_HAPROXY: haproxyFile = "haproxy" } = process.env;

export interface TestHaproxy extends AsyncDisposable {
  readonly port: number;
  readonly api: RuntimeApi;
  readonly socketPath: string;
  readonly child: Child;
  /** Kills it and starts it again from the same configuration. */
  restart(): Promise<void>;
}

/** Starts a real HAProxy on a free port, from the text that `render` makes. */
export async function startHaproxy(
  options: Partial<ConfigOptions> = {},
  render: (options: ConfigOptions) => string = renderConfig,
): Promise<TestHaproxy> {
  const folder = tempDir();
  const port = options.port ?? (await getFreePort());
  const socketPath = join(folder.path, "haproxy.sock");
  const config = join(folder.path, "haproxy.cfg");
  const defaults = { addresses: ["127.0.0.1"], parkMs: 20_000, maxConnections: 2_000, threads: 2 };
  await writeFile(config, render({ ...defaults, ...options, port, socketPath }));
  const api = createRuntimeApi(socketPath);
  const start = async (): Promise<Child> => {
    const started = startChild(haproxyFile, ["-db", "-f", config], { logFile: join(folder.path, "log") });
    await waitForRuntimeApi(api, { timeoutMs: 5_000 });
    return started;
  };
  let child = await start();
  return {
    port,
    api,
    socketPath,
    get child() {
      return child;
    },
    restart: async () => {
      await child.kill();
      child = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await child.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/**
 * A server that lets no connection through: packets to it are dropped, since its queue is full and nothing is ever
 * taken from it. The queue is filled by its own connections.
 */
export async function startBlackHole(
  address: string,
  port: number,
): Promise<Pick<Child, "running"> & AsyncDisposable> {
  const folder = tempDir();
  const script = `
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen(0)
held = []
for _ in range(3):
    c = socket.socket(); c.setblocking(False); c.connect_ex((sys.argv[1], int(sys.argv[2]))); held.append(c)
print("full", flush=True)
time.sleep(3600)
`;
  const child = startChild("python3", ["-c", script, address, String(port)], {
    logFile: join(folder.path, "log"),
  });
  await waitFor(() => child.log().includes("full"), { what: "the black hole" });
  return {
    get running() {
      return child.running;
    },
    [Symbol.asyncDispose]: async () => {
      await child.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}
