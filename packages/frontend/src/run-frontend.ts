import { writeFile } from "node:fs/promises";
import type { Clock } from "@msdha/clock";
import { connectEtcd, describeEndpoints, waitForEtcd } from "@msdha/etcd-client";
import { groupKeys } from "@msdha/group";
import { createRuntimeApi, createSwitcher } from "@msdha/haproxy-config";
import type { Log } from "@msdha/settings";
import { closeGently } from "./close-gently.ts";
import type { FrontendConfig } from "./config.ts";
import { describeError } from "./describe-error.ts";
import { findProgram } from "./find-program.ts";
import { followMaster } from "./follow-master.ts";
import { createGuide } from "./guide.ts";
import { keepHaproxy } from "./haproxy-keeper.ts";
import { type HaproxyPrograms, startHaproxyProcess } from "./haproxy-process.ts";
import { haproxySettings } from "./haproxy-settings.ts";
import { checkListen } from "./listen-check.ts";
import { lookupHost } from "./lookup.ts";
import { openFilesLimit } from "./open-files.ts";
import { isOwnAddress } from "./own-address.ts";
import { findParkingPort } from "./parking-port.ts";
import { type FrontendStatus, readTraffic } from "./status.ts";
import { serveStatus } from "./status-server.ts";
import { createTroubleLog } from "./trouble-log.ts";

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
  const programs = findPrograms(config, log);
  await using stack = new AsyncDisposableStack();
  const status: { read: () => Promise<FrontendStatus> } = {
    read: () => Promise.reject(new Error("starting")),
  };
  stack.use(await serveStatus(() => status.read(), { runDir: config.runDir, port: config.statusPort }));

  const addresses = await checkListen(config.addresses, config.port, { clock, signal: stop });
  const settings = haproxySettings(config, {
    addresses,
    openFiles: openFilesLimit(),
    parkingPort: await findParkingPort(),
  });
  await writeFile(settings.configFile, settings.text, { mode: 0o600 });

  const api = createRuntimeApi(settings.socketPath);
  const trouble = createTroubleLog(log);
  const switcher = createSwitcher(api, { drainMs: settings.drainMs, clock, ...trouble });
  const haproxy = stack.use(
    await keepHaproxy(() => startHaproxyProcess(programs, settings.configFile, { onLine: logLine }), api, {
      clock,
      log,
      onReplaced: () => switcher.replay(),
    }),
  );
  stack.use(switcher);
  const { maxConnections } = settings;
  log.info(
    { port: config.port, addresses, maxConnections, haproxy: haproxy.version },
    "connections are taken",
  );

  let switches = 0;
  const guide = stack.use(
    createGuide({
      port: config.port,
      lookup: lookupHost,
      lookupIntervalMs: config.lookupIntervalMs,
      isOwn: (address) => isOwnAddress(address, addresses),
      clock,
      log,
      onRoute: (route) => {
        if (route.kind === "serve") switches += 1;
        switcher.route(route);
      },
    }),
  );

  const etcd = stack.use(connectEtcd(config.etcd, { clock }));
  await waitForEtcd(etcd, {
    timeoutMs: config.etcdTimeoutMs,
    clock,
    signal: stop,
    range: { key: groupKeys(config.group).lock },
    onRetry: (error) =>
      log.warn(
        { etcd: describeEndpoints(config.etcd), why: describeError(error) },
        "etcd does not answer yet",
      ),
  });
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
    ttlSeconds: config.ttlSeconds,
    onMastership: (now) => guide.tell(now),
    onProven: (proven) => guide.confirm(proven || keeps),
  });
  stack.defer(() => {
    followed.abort();
    return master.ended;
  });

  status.read = async () => {
    const traffic = await readTraffic(api).catch(() => null);
    const healthy = haproxy.running && !trouble.lasting && traffic !== null;
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
  await closeGently(api, { clock, log, graceMs: config.stopGraceMs, hurry });

  function logLine({ level, text }: { level: "debug" | "info" | "warn" | "error"; text: string }): void {
    log[level]({ from: "haproxy" }, text);
  }
}

function findPrograms(config: FrontendConfig, log: Log): HaproxyPrograms {
  const haproxy = findProgram(config.haproxyFile);
  try {
    return { haproxy, setpriv: findProgram("setpriv") };
  } catch {
    log.warn("setpriv (util-linux) is not installed: HAProxy would outlive a frontend that is killed");
    return { haproxy, setpriv: undefined };
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
