import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import { createPool, createRuntimeApi, poolNames, portNames, type RuntimeApi } from "@msdha/haproxy-config";
import type { Log } from "@msdha/log";
import type { FrontendConfig } from "../config.ts";
import type { ConnectionWait, ProxyEvents, TcpProxy } from "../proxy.ts";
import { closeGently } from "./close-gently.ts";
import { readConnectionWait } from "./connection-wait.ts";
import { writeHaproxyFolder } from "./haproxy-folder.ts";
import { type HaproxyKeeper, keepHaproxy } from "./haproxy-keeper.ts";
import type { HaproxyLine } from "./haproxy-log.ts";
import { startHaproxyProcess } from "./haproxy-process.ts";
import { measureStrain } from "./machine-strain.ts";
import { createPortSwitchers } from "./port-switchers.ts";
import { type HaproxyPlan, type PrepareOptions, prepareHaproxy } from "./prepare-haproxy.ts";
import { settleYoung } from "./settle-young.ts";
import { countDroppedLogLines, readTraffic } from "./traffic.ts";
import { createTroubleLog, type TroubleLog } from "./trouble-log.ts";
import { type ControlWatch, watchControl } from "./watch-control.ts";

/**
 * Starts HAProxy and resolves when it answers. It is replaced when it ends, or can't be controlled any more. Rejects with a
 * `ProgramMissingError`, `ListenError`, `HaproxyStartError`, a `SettingsError`, or the reason of `stop`.
 */
export async function startHaproxy(
  config: FrontendConfig,
  events: ProxyEvents,
  options: PrepareOptions,
): Promise<TcpProxy> {
  const { clock, log } = options;
  await using stack = new AsyncDisposableStack();
  const plan = await prepareHaproxy(config, options, stack);
  const { addresses, ports, settings, held } = plan;
  const { drainMs, maxConnections } = settings;
  const api = createRuntimeApi(settings.socketPath);
  const trouble = createTroubleLog(log, clock);
  const switchers = createPortSwitchers(api, {
    targets: config.ports.map(({ target }) => target),
    drainMs,
    clock,
    trouble,
    onSettled: events.onSettled,
  });
  const { onTrouble, onStep } = trouble;
  const pool =
    config.readPort === undefined ? undefined : createPool(api, { drainMs, clock, onTrouble, onStep });
  const start = createStarter(plan, createTeller(config, log, events.onWait));
  const onReplaced = (): void => {
    switchers.replay();
    pool?.replay();
  };
  const haproxy = stack.use(await keepHaproxy(start, api, { clock, log, onReplaced }));
  stack.use(switchers);
  if (pool) stack.use(pool);
  const control = stack.use(watch(haproxy, api, { trouble, switchers, clock, log }));
  log.info(
    { port: ports.join(","), addresses, maxConnections, haproxy: haproxy.version },
    "connections are taken",
  );

  const frontends = config.ports.map((_, index) => portNames(index).frontend);
  if (pool) frontends.push(poolNames.frontend);
  const started = stack.move();
  return {
    addresses,
    state: describeState(haproxy, switchers, trouble),
    route(route) {
      switchers.route(route);
      control.changing();
    },
    routeReaders:
      pool &&
      ((servers) => {
        void pool.want(servers);
        control.changing();
      }),
    settleYoung: ({ signal }) => settleYoung(api, { clock, signal, strain: measureStrain() }),
    traffic: () => readTraffic(api, config.ports.length),
    droppedLogLines: () => countDroppedLogLines(api),
    async close({ graceMs, hurry }) {
      // No HAProxy is started any more; once this one has let go of the ports too, new connections are refused.
      void control[Symbol.asyncDispose]();
      haproxy.letEnd();
      held?.[Symbol.dispose]();
      await closeGently(api, { clock, log, frontends, graceMs, hurry });
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** Returns the function that starts HAProxy, once or again. */
function createStarter(
  { programs, settings, user, held }: HaproxyPlan,
  onLine: (line: HaproxyLine) => void,
): () => ReturnType<typeof startHaproxyProcess> {
  return () => {
    writeHaproxyFolder(settings, user);
    const { configFile } = settings;
    return startHaproxyProcess(programs, {
      configFile,
      descriptors: held?.descriptors ?? [],
      user,
      onLine,
    });
  };
}

/** Has HAProxy replaced when it can't be controlled. Disposing ends that. */
function watch(
  haproxy: HaproxyKeeper,
  api: RuntimeApi,
  {
    trouble,
    switchers,
    clock,
    log,
  }: {
    readonly trouble: TroubleLog;
    readonly switchers: { readonly settled: boolean };
    readonly clock: Clock;
    readonly log: Log;
  },
): Pick<ControlWatch, "changing"> & AsyncDisposable {
  const over = new AbortController();
  const { changing, ended } = watchControl(api, {
    clock,
    signal: over.signal,
    troubleSince: () => trouble.since,
    settled: () => switchers.settled,
    replace: (why) => {
      log.error({ why: describeError(why), pid: haproxy.pid }, "HAProxy can't be controlled: it is replaced");
      return haproxy.replace();
    },
  });
  return {
    changing,
    async [Symbol.asyncDispose]() {
      over.abort();
      await ended;
    },
  };
}

function describeState(
  haproxy: HaproxyKeeper,
  switchers: { readonly settled: boolean },
  trouble: TroubleLog,
): TcpProxy["state"] {
  return {
    get running() {
      return haproxy.running;
    },
    get version() {
      return haproxy.version;
    },
    get pid() {
      return haproxy.pid;
    },
    get restarts() {
      return haproxy.restarts;
    },
    get settled() {
      return switchers.settled;
    },
    get obeys() {
      return trouble.since === undefined;
    },
  };
}

/** A connection that waited and was served is news only where every session is logged. */
function createTeller(
  { logSessions }: FrontendConfig,
  log: Log,
  onWait: (wait: ConnectionWait) => void,
): (line: HaproxyLine) => void {
  return ({ level, text }) => {
    const wait = readConnectionWait(text);
    if (wait) onWait(wait);
    const isQuiet = wait !== undefined && wait.outcome !== "in_vain" && !logSessions;
    log[isQuiet ? "debug" : level]({ from: "haproxy" }, text);
  };
}
