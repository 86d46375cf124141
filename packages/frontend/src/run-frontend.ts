import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import { describeEndpoints, openEtcd } from "@msdha/etcd-client";
import { groupKeys } from "@msdha/group";
import { poolNames, portNames } from "@msdha/haproxy-config";
import type { Log } from "@msdha/log";
import { serveAsks } from "./ask-server.ts";
import { closeGently } from "./close-gently.ts";
import type { FrontendConfig } from "./config.ts";
import { followMaster } from "./follow-master.ts";
import { createGuide } from "./guide.ts";
import { createLeaver, type Leaver } from "./leave-master.ts";
import { lookupHost } from "./lookup.ts";
import { machineStrain } from "./machine-strain.ts";
import { createObserver } from "./observe.ts";
import { isOwnAddress } from "./own-address.ts";
import { reachPort } from "./reach.ts";
import { createReaders } from "./readers.ts";
import { registerFrontend } from "./register.ts";
import { startProxy } from "./start-proxy.ts";
import { countDroppedLogLines, describeFrontend, type FrontendStatus, readTraffic } from "./status.ts";
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
  const observer = stack.use(createObserver(config.group, { clock, log }));
  const { runDir, statusPort, statusAddress } = config;
  stack.use(await serveStatus(observer.routes, { runDir, port: statusPort, address: statusAddress }));
  stack.use(await serveAsks(observer.readStatus, runDir));

  let leaver: Leaver | undefined;
  const { addresses, haproxy, switchers, pool, trouble, api, release } = await startProxy(
    config,
    { clock, log, stop, onSettled: () => leaver?.settled(), onWait: observer.waited },
    stack,
  );

  const { ports, readPort } = config;
  const targets = ports.map(({ target }) => target);
  const [target = 0] = targets;
  let switches = 0;
  const listened = [...ports.map(({ listen }) => listen), ...(readPort === undefined ? [] : [readPort])];
  const network = {
    port: target,
    lookup: lookupHost,
    lookupIntervalMs: config.lookupIntervalMs,
    lookupKeepMs: config.lookupKeepMs,
    reach: (address: string) => reachPort(address, target),
    isOwn: (address: string) =>
      listened.some((listen) => targets.includes(listen)) && isOwnAddress(address, addresses),
    clock,
    log,
  };
  const readers = pool && stack.use(createReaders({ ...network, onServers: pool.want }));
  const guide = stack.use(
    createGuide({
      ...network,
      onRoute: (route) => {
        if (route.kind === "serve") switches += 1;
        switchers.route(route);
        observer.routed(route, guide.master?.name);
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
      api,
      switcher: switchers,
      clock,
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
    onView(view) {
      observer.viewed(view);
      readers?.see(view);
    },
  });
  stack.defer(() => {
    followed.abort();
    return master.ended;
  });

  const readDroppedLogLines = (): Promise<number | undefined> => countDroppedLogLines(api);
  const readStatus = async (): Promise<FrontendStatus> => {
    const { master: served, route } = guide;
    const traffic = await readTraffic(api, ports.length).catch(() => null);
    const isObeyed = trouble.since === undefined;
    return describeFrontend({
      config,
      haproxy,
      switcher: switchers,
      isObeyed,
      served,
      route,
      master,
      stop,
      switches,
      readers: readers?.names ?? [],
      traffic,
    });
  };
  observer.started({
    readStatus,
    readDroppedLogLines,
    readRoute: () => ({
      route: guide.route,
      served: guide.master,
      following: master.following,
      proven: master.proven,
    }),
  });

  const frontends = ports.map((_, index) => portNames(index).frontend);
  if (readers) frontends.push(poolNames.frontend);
  await aborted(stop);
  log.info({ graceMs: config.stopGraceMs }, "stopping: new connections are refused, sessions may end");
  release();
  await closeGently(api, { clock, log, frontends, graceMs: config.stopGraceMs, hurry });
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
