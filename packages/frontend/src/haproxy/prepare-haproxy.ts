import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import type { Log } from "@msdha/log";
import type { FrontendConfig } from "../config.ts";
import { findProgram } from "./find-program.ts";
import type { HaproxyPrograms } from "./haproxy-process.ts";
import { type HaproxySettings, haproxySettings } from "./haproxy-settings.ts";
import { findHaproxyUser, type HaproxyUser } from "./haproxy-user.ts";
import { type HeldPorts, holdPorts } from "./hold-port.ts";
import { checkListen } from "./listen-check.ts";
import { openFilesLimit } from "./open-files.ts";
import { findParkingPort } from "./parking-port.ts";

/** What HAProxy is started with. */
export interface HaproxyPlan {
  readonly programs: HaproxyPrograms;
  readonly settings: HaproxySettings;
  readonly user: HaproxyUser | undefined;
  /** The ports, in the order of `config.ports`; the one for readers comes last. */
  readonly ports: readonly number[];
  readonly addresses: readonly string[];
  /** undefined where HAProxy has to listen by itself. */
  readonly held: HeldPorts | undefined;
}

export interface PrepareOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/**
 * Looks at this machine, and takes the ports; they go on `stack`. Rejects with a `ProgramMissingError`, a `ListenError`, a
 * `SettingsError`, or the reason of `stop`.
 */
export async function prepareHaproxy(
  config: FrontendConfig,
  { clock, log, stop }: PrepareOptions,
  stack: AsyncDisposableStack,
): Promise<HaproxyPlan> {
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
    parkingPort: await findParkingPort(
      config.statusPort === undefined ? ports : [...ports, config.statusPort],
    ),
  });
  return { programs, settings, user: chooseUser(config, log), ports, addresses, held };
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
