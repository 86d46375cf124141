import type { BackendConfig } from "@msdha/backend";
import { readEtcdSettings } from "@msdha/etcd-client";
import type { BackendScenario } from "../scenario.ts";

const etcdSettings = readEtcdSettings({ ETCDCTL_ENDPOINTS: "http://etcd:2379" });

/** What a simulated node is configured with. */
export function backendConfig(scenario: BackendScenario, group: string): BackendConfig {
  return {
    etcd: etcdSettings,
    etcdTimeoutMs: 30_000,
    etcdOld: "warn",
    group,
    name: scenario.name,
    address: scenario.name,
    ttlSeconds: scenario.ttlSeconds,
    masterTtlMs: scenario.masterTtlMs,
    hooksDir: "/hooks",
    runDir: "/run",
    stopSignal: "SIGTERM",
    stopTimeoutMs: scenario.stopTimeoutMs,
    handover: "any",
    drainMs: scenario.drainMs,
    drainTimeoutMs: 3_000,
    traffic: scenario.traffic,
    hookTimeoutMs: Number.POSITIVE_INFINITY,
    candidateTimeoutMs: scenario.candidateTimeoutMs,
    hooksEtcdctl: false,
    nodeStateChangeFailure: "log",
    noNewPrivileges: undefined,
    aliveIntervalMs: 5_000,
    aliveTimeoutMs: 5_000,
    aliveFailures: 3,
    reportIntervalMs: 500,
    statusPort: undefined,
    statusAddress: undefined,
  };
}
