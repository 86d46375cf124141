import { accessSync, constants, mkdirSync } from "node:fs";
import { systemClock } from "@msdha/clock";
import { isEtcdError } from "@msdha/etcd-client";
import { createLog, type Environment, exitCodes, SettingsError } from "@msdha/settings";
import { type FrontendConfig, type LogConfig, readConfig } from "./config.ts";
import { describeError } from "./describe-error.ts";
import { ListenError, ProgramMissingError, RunDirTakenError } from "./errors.ts";
import { runFrontend } from "./run-frontend.ts";
import { stopOnSignals } from "./signals.ts";

/** Runs the frontend with the system's own clock, files and processes. Resolves with the exit code. */
export async function startFrontend(environment: Environment): Promise<number> {
  let settings: { config: FrontendConfig; log: LogConfig };
  try {
    settings = readConfig(environment);
    openFolder(settings.config.runDir);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return refuse(error);
  }
  const { log, flush } = createLog({ ...settings.log, fd: process.stdout.fd });
  const { stop, hurry } = stopOnSignals();
  try {
    await runFrontend(settings.config, { clock: systemClock, log, stop, hurry });
    log.info("stopped");
    return exitCodes.stopped;
  } catch (error) {
    if (stop.aborted && error === stop.reason) return exitCodes.stopped;
    if (error instanceof SettingsError) return refuse(error);
    log.fatal(describeError(error));
    return exitCodeOf(error);
  } finally {
    flush();
  }
}

/** The exit code that tells why the frontend could not begin. */
function exitCodeOf(error: unknown): number {
  if (error instanceof SettingsError) return exitCodes.configuration;
  if (isEtcdError(error, "ERR_ETCD_CLUSTER") || isEtcdError(error, "ERR_ETCD_VERSION"))
    return exitCodes.configuration;
  if (isEtcdError(error, "ERR_ETCD_AUTH")) return exitCodes.notPermitted;
  if (isEtcdError(error, "ERR_ETCD_UNAVAILABLE") || error instanceof ProgramMissingError)
    return exitCodes.unavailable;
  if (error instanceof RunDirTakenError) return exitCodes.taken;
  if (error instanceof ListenError) return listenCodes[error.reason] ?? exitCodes.internal;
  return exitCodes.internal;
}

const listenCodes: Readonly<Record<string, number>> = {
  EADDRINUSE: exitCodes.taken,
  EACCES: exitCodes.notPermitted,
  EADDRNOTAVAIL: exitCodes.configuration,
};

function refuse(error: SettingsError): number {
  for (const line of error.message.split("\n")) process.stderr.write(`msdha-frontend: ${line}\n`);
  return exitCodes.configuration;
}

function openFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true });
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new SettingsError([
      { variable: "MSDHA_RUN_DIR", expected: `a folder that can be written to (${why})`, got: dir },
    ]);
  }
}
