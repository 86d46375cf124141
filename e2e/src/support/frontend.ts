import { join } from "node:path";
import { type Child, getFreePort, startChild, waitFor } from "@msdha/testkit";
import { frontendCommand } from "./paths.ts";

/** A frontend as a process. */
export interface TestFrontend extends AsyncDisposable {
  readonly child: Child;
  readonly port: number;
  log(): string;
}

/** Starts `msdha-frontend` for a group, on a port of 127.0.0.1, and resolves when it takes connections. */
export async function startFrontend(
  place: {
    readonly dir: string;
    readonly endpoints: string;
    readonly group: string;
    readonly ttlSeconds: number;
  },
  { port, env = {} }: { readonly port?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<TestFrontend> {
  const listenPort = port ?? (await getFreePort());
  const child = startChild(frontendCommand, [], {
    logFile: join(place.dir, `frontend-${place.group}-${listenPort}.log`),
    env: {
      PATH: process.env["PATH"],
      ETCDCTL_ENDPOINTS: place.endpoints,
      MSDHA_GROUP: place.group,
      MSDHA_PORT: String(listenPort),
      MSDHA_BIND: "127.0.0.1",
      MSDHA_TTL: String(place.ttlSeconds),
      MSDHA_RUN_DIR: join(place.dir, `frontend-${place.group}`),
      ...env,
    },
  });
  await waitFor(() => child.log().includes("connections are taken") || !child.running, {
    what: "the frontend to listen",
  });
  return {
    child,
    port: listenPort,
    log: () => child.log(),
    async [Symbol.asyncDispose]() {
      await child.kill("SIGTERM");
    },
  };
}
