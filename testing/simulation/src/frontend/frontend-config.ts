import { readEtcdSettings } from "@msdha/etcd-client";
import type { FrontendConfig } from "@msdha/frontend";
import type { Scenario } from "../scenario.ts";

const etcdSettings = readEtcdSettings({ ETCDCTL_ENDPOINTS: "http://etcd:2379" });
/** The port of clients and of masters. */
export const PORT = 5_432;

/** What a simulated frontend is configured with. */
export function frontendConfig(
  { group, longestTtlMs }: Scenario,
  etcdLost: FrontendConfig["etcdLost"],
): FrontendConfig {
  return {
    etcd: etcdSettings,
    etcdTimeoutMs: 30_000,
    etcdOld: "warn",
    etcdLost,
    group,
    ttlSeconds: longestTtlMs / 1_000,
    ports: [{ listen: PORT, target: PORT }],
    readPort: undefined,
    readMaxLagBytes: Number.POSITIVE_INFINITY,
    addresses: [],
    parkMs: 60_000,
    tickMs: 100,
    idleTimeoutMs: 86_400_000,
    halfClosedTimeoutMs: undefined,
    stopGraceMs: 0,
    lookupIntervalMs: 30_000,
    lookupKeepMs: 300_000,
    maxConnections: undefined,
    threads: undefined,
    runDir: "/run",
    statusPort: undefined,
    statusAddress: undefined,
    haproxyFile: "haproxy",
    logSessions: false,
    acceptProxy: false,
    sendProxy: undefined,
  };
}
