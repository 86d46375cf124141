import { describeError, exitCodes, hasCode, listenExitCode, openRunFolder, refuseSettings } from "@msdha/app";
import { describeLeap, systemClock } from "@msdha/clock";
import { isEtcdError } from "@msdha/etcd-client";
import { createLog } from "@msdha/log";
import type { Environment, SettingsError } from "@msdha/settings";
import { type FrontendConfig, type LogConfig, readConfig } from "./config.ts";
import { ListenError, ProgramMissingError, RunDirTakenError } from "./errors.ts";
import { realHost } from "./real-host.ts";
import { runFrontend } from "./run-frontend.ts";
import { stopOnSignals } from "./signals.ts";

/** Runs the frontend with the system's own clock, files and processes. Resolves with the exit code. */
export async function startFrontend(environment: Environment): Promise<number> {
  let settings: { config: FrontendConfig; log: LogConfig };
  try {
    settings = readConfig(environment);
    openRunFolder(settings.config.runDir);
  } catch (error) {
    if (!hasCode<SettingsError>(error, "ERR_SETTINGS")) throw error;
    return refuseSettings("msdha-frontend", error);
  }
  const { log, flush } = createLog({ ...settings.log, fd: process.stdout.fd });
  systemClock.onLeap((leap) => log.warn(describeLeap(leap)));
  const { stop, hurry } = stopOnSignals();
  try {
    const host = realHost(settings.config, { clock: systemClock, log });
    await runFrontend(settings.config, host, { stop, hurry });
    log.info("stopped");
    return exitCodes.stopped;
  } catch (error) {
    if (stop.aborted && error === stop.reason) return exitCodes.stopped;
    if (hasCode<SettingsError>(error, "ERR_SETTINGS")) return refuseSettings("msdha-frontend", error);
    log.fatal(describeError(error));
    return exitCodeOf(error);
  } finally {
    await flush();
  }
}

/** The exit code for the reason why the frontend could not begin. */
function exitCodeOf(error: unknown): number {
  if (hasCode<SettingsError>(error, "ERR_SETTINGS")) return exitCodes.configuration;
  if (isEtcdError(error, "ERR_ETCD_CLUSTER") || isEtcdError(error, "ERR_ETCD_VERSION"))
    return exitCodes.configuration;
  if (isEtcdError(error, "ERR_ETCD_AUTH")) return exitCodes.notPermitted;
  if (isEtcdError(error, "ERR_ETCD_UNAVAILABLE") || error instanceof ProgramMissingError)
    return exitCodes.unavailable;
  if (error instanceof RunDirTakenError) return exitCodes.taken;
  if (error instanceof ListenError) return listenExitCode(error.reason);
  return exitCodes.internal;
}
