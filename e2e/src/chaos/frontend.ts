import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "./network.ts";
import { SERVICE_PORT } from "./node.ts";
import { type Process, processesOn } from "./processes.ts";
import { keepRunning, type Restarted } from "./restarted.ts";

const RESTART_MS = 1_000;

export interface ChaosFrontend extends Restarted {
  readonly name: string;
  readonly host: Host;
  supervisor(): Process | undefined;
  haproxy(): Process | undefined;
}

export interface FrontendOptions {
  readonly host: Host;
  readonly folder: string;
  readonly group: string;
  readonly ttlSeconds: number;
  readonly frontend: string;
  readonly endpoints: string;
  /** How it gets into etcd, as `ETCDCTL_…`. */
  readonly access: NodeJS.ProcessEnv;
  readonly onExit: (code: number | string) => void;
}

/** Starts a frontend on a host of its own, again and again. */
export function startChaosFrontend(options: FrontendOptions): ChaosFrontend {
  const { host, folder, group, ttlSeconds, frontend, endpoints, onExit } = options;
  mkdirSync(folder, { recursive: true });
  const start = () =>
    host.start([frontend], {
      logFile: join(folder, "log"),
      env: {
        PATH: process.env["PATH"],
        MSDHA_NODE: process.execPath,
        ETCDCTL_ENDPOINTS: endpoints,
        ...options.access,
        MSDHA_GROUP: group,
        MSDHA_PORT: String(SERVICE_PORT),
        MSDHA_TTL: String(ttlSeconds),
        MSDHA_RUN_DIR: join(folder, "run"),
        MSDHA_MAXCONN: "1000",
        MSDHA_THREADS: "1",
      },
    });
  const restarted = keepRunning({ start, delayMs: RESTART_MS, onExit });
  const find = (pattern: RegExp) => processesOn(host.name).find(({ command }) => pattern.test(command));
  return Object.assign(restarted, {
    ...{ name: host.name, host },
    supervisor: () => find(/\bnode\b.*msdha-frontend\.mjs/),
    haproxy: () => find(/^(\S*\/)?haproxy /),
  });
}
