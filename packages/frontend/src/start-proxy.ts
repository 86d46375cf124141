import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import { createPool, createRuntimeApi, type Pool, type RuntimeApi } from "@msdha/haproxy-config";
import type { Log } from "@msdha/log";
import type { FrontendConfig } from "./config.ts";
import { type ConnectionWait, readConnectionWait } from "./connection-wait.ts";
import { findProgram } from "./find-program.ts";
import { writeHaproxyFolder } from "./haproxy-folder.ts";
import { type HaproxyKeeper, keepHaproxy } from "./haproxy-keeper.ts";
import type { HaproxyLine } from "./haproxy-log.ts";
import { type HaproxyPrograms, startHaproxyProcess } from "./haproxy-process.ts";
import { haproxySettings } from "./haproxy-settings.ts";
import { findHaproxyUser, type HaproxyUser } from "./haproxy-user.ts";
import { type HeldPorts, holdPorts } from "./hold-port.ts";
import { checkListen } from "./listen-check.ts";
import { openFilesLimit } from "./open-files.ts";
import { findParkingPort } from "./parking-port.ts";
import { createPortSwitchers, type PortSwitchers } from "./port-switchers.ts";
import { createTroubleLog, type TroubleLog } from "./trouble-log.ts";
import { watchControl } from "./watch-control.ts";

/** HAProxy on its ports, replaced when it ends or can't be controlled any more. */
export interface Proxy {
  /** The addresses that it listens on. */
  readonly addresses: readonly string[];
  readonly haproxy: HaproxyKeeper;
  readonly api: RuntimeApi;
  readonly switchers: PortSwitchers;
  /** The servers of the port for readers, where there is one. */
  readonly pool: Pool | undefined;
  readonly trouble: TroubleLog;
  /** Lets go of the ports: once HAProxy has too, new connections are refused. No HAProxy is started any more. */
  readonly release: () => void;
}

export interface ProxyPorts {
  /** Called when HAProxy has settled on a route. */
  readonly onSettled: () => void;
  /** Called for each connection that had to wait for a master: when it is served, or when its session ends. */
  readonly onWait: (wait: ConnectionWait) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/**
 * Starts HAProxy and resolves when it answers; what there is to undo goes on `stack`. Rejects with a
 * `ProgramMissingError`, `ListenError`, `HaproxyStartError`, a `SettingsError`, or the reason of `stop`.
 */
export async function startProxy(
  config: FrontendConfig,
  { clock, log, stop, onSettled, onWait }: ProxyPorts,
  stack: AsyncDisposableStack,
): Promise<Proxy> {
  const programs = findPrograms(config, log);
  const masterPorts = config.ports.map(({ listen }) => listen);
  const ports = config.readPort === undefined ? masterPorts : [...masterPorts, config.readPort];
  const addresses = await checkAll(config.addresses, ports, { clock, signal: stop });
  const held = hold(addresses, ports, log);
  if (held) stack.use(held);
  const settings = haproxySettings(config, {
    addresses,
    inherits: held !== undefined,
    openFiles: openFilesLimit(),
    parkingPort: await findParkingPort(),
  });

  const user = chooseUser(config, log);
  const api = createRuntimeApi(settings.socketPath);
  const trouble = createTroubleLog(log, clock);
  const switchers = createPortSwitchers(api, {
    targets: config.ports.map(({ target }) => target),
    drainMs: settings.drainMs,
    clock,
    trouble,
    onSettled,
  });
  const pool =
    config.readPort === undefined
      ? undefined
      : createPool(api, {
          drainMs: settings.drainMs,
          clock,
          onTrouble: trouble.onTrouble,
          onStep: trouble.onStep,
        });
  const { configFile, maxConnections } = settings;
  const tell = createTeller(config, log, onWait);
  const start = (): ReturnType<typeof startHaproxyProcess> => {
    writeHaproxyFolder(settings, user);
    const descriptors = held?.descriptors ?? [];
    return startHaproxyProcess(programs, {
      configFile,
      descriptors,
      user,
      onLine: (line) => tell(line),
    });
  };
  const onReplaced = (): void => {
    switchers.replay();
    pool?.replay();
  };
  const haproxy = stack.use(await keepHaproxy(start, api, { clock, log, onReplaced }));
  stack.use(switchers);
  if (pool) stack.use(pool);

  const watched = new AbortController();
  const watch = watchControl(api, {
    clock,
    signal: watched.signal,
    troubleSince: () => trouble.since,
    replace: (why) => {
      log.error({ why: describeError(why), pid: haproxy.pid }, "HAProxy can't be controlled: it is replaced");
      return haproxy.replace();
    },
  });
  stack.defer(async () => {
    watched.abort();
    await watch;
  });
  log.info(
    { port: ports.join(","), addresses, maxConnections, haproxy: haproxy.version },
    "connections are taken",
  );
  const release = (): void => {
    watched.abort();
    haproxy.letEnd();
    held?.[Symbol.dispose]();
  };
  return { addresses, haproxy, api, switchers, pool, trouble, release };
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

function chooseUser({ runDir }: FrontendConfig, log: Log): HaproxyUser | undefined {
  try {
    return findHaproxyUser(runDir);
  } catch (error) {
    log.warn({ why: describeError(error) }, "HAProxy runs as root: it can't run as another user here");
    return undefined;
  }
}

/** Resolves with the addresses that every port is listened on at. */
async function checkAll(
  given: readonly string[],
  ports: readonly number[],
  options: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  let addresses = given;
  for (const port of ports) addresses = await checkListen(addresses, port, options);
  return addresses;
}

function hold(addresses: readonly string[], ports: readonly number[], log: Log): HeldPorts | undefined {
  try {
    return holdPorts(addresses, ports);
  } catch (error) {
    log.warn(
      { why: describeError(error) },
      "HAProxy listens by itself: connections are refused while it is replaced",
    );
    return undefined;
  }
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
