import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import { describeEndpoints, openEtcd } from "@msdha/etcd-client";
import { groupKeys } from "@msdha/group";
import type { Log } from "@msdha/log";
import { serveAsks } from "./ask-server.ts";
import { closeGently } from "./close-gently.ts";
import type { FrontendConfig } from "./config.ts";
import { followMaster } from "./follow-master.ts";
import { createGuide } from "./guide.ts";
import { createLeaver, type Leaver } from "./leave-master.ts";
import { lookupHost } from "./lookup.ts";
import { machineStrain } from "./machine-strain.ts";
import { isOwnAddress } from "./own-address.ts";
import { reachPort } from "./reach.ts";
import { registerFrontend } from "./register.ts";
import { startProxy } from "./start-proxy.ts";
import { type FrontendStatus, readTraffic } from "./status.ts";
import { serveStatus } from "./status-server.ts";

export interface FrontendPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Asks the frontend to end in peace. */
  readonly stop: AbortSignal;
  /** Asks it to end at once. */
  readonly hurry: AbortSignal;
}

/**
 * Runs the frontend until `stop` aborts and its sessions have ended, or their grace is over. Rejects when it can't
 * begin: with a `SettingsError`, `ProgramMissingError`, `ListenError`, `RunDirTakenError`, `HaproxyStartError`,
 * `EtcdUnavailableError` or `EtcdAuthError`, or with the reason of `stop`.
 */
export async function runFrontend(
  config: FrontendConfig,
  { clock, log, stop, hurry }: FrontendPorts,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const status: { read: () => Promise<FrontendStatus> } = {
    read: () => Promise.reject(new Error("starting")),
  };
  const { runDir, statusPort, statusAddress } = config;
  stack.use(await serveStatus(() => status.read(), { runDir, port: statusPort, address: statusAddress }));
  stack.use(await serveAsks(() => status.read(), runDir));

  let leaver: Leaver | undefined;
  const { addresses, haproxy, switcher, trouble, api, release } = await startProxy(
    config,
    { clock, log, stop, onSettled: () => leaver?.settled() },
    stack,
  );

  let switches = 0;
  const guide = stack.use(
    createGuide({
      port: config.port,
      lookup: lookupHost,
      lookupIntervalMs: config.lookupIntervalMs,
      lookupKeepMs: config.lookupKeepMs,
      reach: (address) => reachPort(address, config.port),
      isOwn: (address) => isOwnAddress(address, addresses),
      clock,
      log,
      onRoute: (route) => {
        if (route.kind === "serve") switches += 1;
        switcher.route(route);
      },
    }),
  );

  const etcd = stack.use(
    await openEtcd(config.etcd, {
      old: config.etcdOld,
      onOld: (message) => log.warn(message),
      onForeign: ({ message }) => log.error(`${message}; the second is left out`),
      timeoutMs: config.etcdTimeoutMs,
      clock,
      signal: stop,
      range: { key: groupKeys(config.group).lock },
      onRetry: (error) =>
        log.warn(
          { etcd: describeEndpoints(config.etcd), why: describeError(error) },
          "etcd does not answer yet",
        ),
    }),
  );
  const { group, ttlSeconds } = config;
  const registration = stack.use(registerFrontend(etcd, group, { clock, log, ttlSeconds }));
  leaver = stack.use(
    createLeaver({
      ...{ api, switcher, clock },
      route: () => guide.route,
      strain: machineStrain,
      onLeft: (token) => registration.acknowledge(token),
    }),
  );
  const keeps = config.etcdLost === "keep";
  if (keeps) {
    guide.confirm(true);
    log.warn("MSDHA_ETCD_LOST=keep: without etcd connections go to the last master, whatever it is by then");
  }
  const followed = new AbortController();
  const master = followMaster(etcd, config.group, {
    clock,
    log,
    signal: followed.signal,
    ttlSeconds,
    onMastership(now) {
      guide.tell(now);
      if (now.kind === "stopping") leaver.stopping(now.token);
    },
    onProven: (proven) => guide.confirm(proven || keeps),
  });
  stack.defer(() => {
    followed.abort();
    return master.ended;
  });

  status.read = async () => {
    const traffic = await readTraffic(api).catch(() => null);
    const healthy = haproxy.running && trouble.since === undefined && traffic !== null;
    return {
      group: config.group,
      port: config.port,
      healthy,
      ready: healthy && guide.route.kind === "serve",
      route: guide.route.kind,
      master: guide.master
        ? {
            name: guide.master.name,
            address: guide.master.address ?? null,
            token: guide.master.token,
            since: new Date(guide.master.since).toISOString(),
          }
        : null,
      following: master.following,
      proven: master.proven,
      stopping: stop.aborted,
      switches,
      haproxy: {
        running: haproxy.running,
        version: haproxy.version,
        pid: haproxy.pid,
        restarts: haproxy.restarts,
        settled: switcher.settled,
      },
      traffic,
    };
  };

  await aborted(stop);
  log.info({ graceMs: config.stopGraceMs }, "stopping: new connections are refused, sessions may end");
  release();
  await closeGently(api, { clock, log, graceMs: config.stopGraceMs, hurry });
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
