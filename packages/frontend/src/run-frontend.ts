import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import type { Log } from "@msdha/log";
import type { FrontendConfig } from "./config.ts";
import type { Lookup } from "./follow-address.ts";
import { followMaster, type MasterFollower } from "./follow-master.ts";
import { createGuide, type Guide } from "./guide.ts";
import { createLeaver, type Leaver } from "./leave-master.ts";
import { createObserver, type Observer } from "./observe.ts";
import { isOwnAddress } from "./own-address.ts";
import type { ProxyEvents, TcpProxy } from "./proxy.ts";
import { createReaders, type Readers } from "./readers.ts";
import { type Registration, registerFrontend } from "./register.ts";
import { describeFrontend } from "./status.ts";

/** The machine that a frontend runs on. real-host.ts has the real one, testing/simulation a simulated one. */
export interface FrontendHost {
  readonly clock: Clock;
  readonly log: Log;
  readonly lookup: Lookup;
  /** Whether a port takes a connection. */
  readonly reach: (address: string, port: number) => Promise<boolean>;
  /** Answers those who ask for the status, until it is disposed. Rejects when another frontend uses the run folder. */
  serve(observer: Observer): Promise<AsyncDisposable>;
  /** Resolves with a proxy that takes connections; they wait. Rejects with the reason of `signal`, or if it can't start. */
  startProxy(events: ProxyEvents, signal: AbortSignal): Promise<TcpProxy>;
  /** Resolves when etcd answers. Rejects with the reason of `signal`, or when it does not answer in time. */
  connectEtcd(signal: AbortSignal): Promise<EtcdApi & AsyncDisposable>;
}

export interface RunOptions {
  /** Asks the frontend to end in peace. */
  readonly stop: AbortSignal;
  /** Asks it to end at once. */
  readonly hurry: AbortSignal;
}

/**
 * Runs the frontend until `stop` aborts and its sessions have ended, or their grace is over. Rejects when it can't begin: with
 * what its host rejects with, which can be the reason of `stop`.
 */
export async function runFrontend(
  config: FrontendConfig,
  host: FrontendHost,
  { stop, hurry }: RunOptions,
): Promise<void> {
  const { clock, log } = host;
  const { group, ttlSeconds, stopGraceMs } = config;
  await using stack = new AsyncDisposableStack();
  const observer = stack.use(createObserver(group, { clock, log }));
  stack.use(await host.serve(observer));

  let leaver: Leaver | undefined;
  const events = { onSettled: () => leaver?.settled(), onWait: observer.waited };
  const proxy = stack.use(await host.startProxy(events, stop));
  const { guide, readers, switches } = leadProxy(config, host, proxy, observer, stack);

  const etcd = stack.use(await host.connectEtcd(stop));
  const registration = stack.use(registerFrontend(etcd, group, { clock, log, ttlSeconds }));
  const onLeft = (token: number): void => registration.acknowledge(token);
  leaver = stack.use(createLeaver({ proxy, route: () => guide.route, onLeft }));
  const master = follow(config, host, etcd, { guide, leaver, observer, readers, registration }, stack);

  observer.started({
    async readStatus() {
      return describeFrontend({
        config,
        proxy: proxy.state,
        route: guide.route,
        master,
        stop,
        switches: switches(),
        readers: readers?.names ?? [],
        traffic: await proxy.traffic().catch(() => null),
      });
    },
    readDroppedLogLines: proxy.droppedLogLines,
    readRoute: () => ({ route: guide.route, following: master.following, proven: master.proven }),
    readAt: () => master.readAt,
  });

  await aborted(stop);
  log.info({ graceMs: stopGraceMs }, "stopping: new connections are refused, sessions may end");
  await proxy.close({ graceMs: stopGraceMs, hurry });
}

interface Leading {
  readonly guide: Guide;
  readonly readers: Readers | undefined;
  /** How many times connections were sent to a master. */
  readonly switches: () => number;
}

/** Leads the proxy to where the group's views say; what ends goes on `stack`. */
function leadProxy(
  config: FrontendConfig,
  { clock, log, lookup, reach }: FrontendHost,
  proxy: TcpProxy,
  observer: Observer,
  stack: AsyncDisposableStack,
): Leading {
  const { ports, readPort, lookupIntervalMs, lookupKeepMs } = config;
  const targets = ports.map(({ target }) => target);
  const listened = [...ports.map(({ listen }) => listen), ...(readPort === undefined ? [] : [readPort])];
  const mayBeOwn = listened.some((port) => targets.includes(port));
  const [port = 0] = targets;
  const network = {
    port,
    lookup,
    lookupIntervalMs,
    lookupKeepMs,
    reach: (address: string) => reach(address, port),
    isOwn: (address: string) => mayBeOwn && isOwnAddress(address, proxy.addresses),
    clock,
    log,
  };
  const { routeReaders } = proxy;
  const readers =
    routeReaders &&
    stack.use(createReaders({ ...network, maxLagBytes: config.readMaxLagBytes, onServers: routeReaders }));
  let switches = 0;
  const guide = stack.use(
    createGuide({
      ...network,
      onRoute(route) {
        if (route.kind === "serve") switches += 1;
        proxy.route(route);
        observer.routed(route);
      },
    }),
  );
  return { guide, readers, switches: () => switches };
}

interface Followers {
  readonly guide: Guide;
  readonly leaver: Leaver;
  readonly observer: Observer;
  readonly readers: Readers | undefined;
  readonly registration: Registration;
}

/** Follows the group, and passes on what it says; the end of that goes on `stack`. */
function follow(
  { group, ttlSeconds, etcdLost }: FrontendConfig,
  { clock, log }: FrontendHost,
  etcd: EtcdApi,
  { guide, leaver, observer, readers, registration }: Followers,
  stack: AsyncDisposableStack,
): MasterFollower {
  const keeps = etcdLost === "keep";
  if (keeps) {
    guide.confirm(true);
    log.warn("MSDHA_ETCD_LOST=keep: without etcd connections go to the last master, whatever it is by then");
  }
  const followed = new AbortController();
  const master = followMaster(etcd, group, {
    clock,
    log,
    signal: followed.signal,
    ttlSeconds,
    onMastership(now) {
      guide.setMaster(now);
      if (now.kind === "stopping") leaver.stopping(now.token);
    },
    onProven: (proven) => guide.confirm(proven || keeps),
    onAsk: registration.renewSoon,
    onView(view) {
      observer.viewed(view);
      readers?.see(view);
    },
  });
  stack.defer(() => {
    followed.abort();
    return master.ended;
  });
  return master;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
