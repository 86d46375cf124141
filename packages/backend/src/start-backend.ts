import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasCode, openRunFolder, refuseSettings } from "@msdha/app";
import { describeLeap, systemClock } from "@msdha/clock";
import { describeEndpoints, openEtcd } from "@msdha/etcd-client";
import { randomNonce } from "@msdha/etcd-lease";
import { groupKeys } from "@msdha/group";
import { findKillObstacle, type Guard, startGuard } from "@msdha/guard";
import { createHookRunner } from "@msdha/hook-runner";
import { createLog, type Log } from "@msdha/log";
import { type Environment, SettingsError } from "@msdha/settings";
import { type Routes, serveRoutes } from "@msdha/status-port";
import { type BackendConfig, type LogConfig, readConfig } from "./config.ts";
import { serveControl } from "./control-server.ts";
import { exitCodeOf } from "./ending.ts";
import { guardedLaunch } from "./guarded-launch.ts";
import { baseEnvironment } from "./hook-context.ts";
import { mayKeepSignal } from "./may-keep-signal.ts";
import { meterEtcd } from "./metered-etcd.ts";
import { meterHooks } from "./metered-hooks.ts";
import { createMetrics } from "./metrics.ts";
import { describeOpenRights } from "./run-dir.ts";
import { openRunFiles } from "./run-files.ts";
import { passSignals, type StopSignals, stopOnSignals } from "./signals.ts";
import { statusRoutes } from "./status-routes.ts";
import { reportStopTrouble } from "./stop-trouble.ts";
import { type BackendHost, superviseNode } from "./supervise-node.ts";

/** How long the guard may not answer, at least; half a TTL where that is longer. */
const LEAST_SILENT_MS = 2_000;
/** How long the processes of a former run may take to go before a new one gives up. */
const FORMER_RUN_MS = 15_000;

/** Runs the backend with the system's own clock, files and processes. Resolves with the exit code. */
export async function startBackend(environment: Environment): Promise<number> {
  let settings: { config: BackendConfig; log: LogConfig };
  try {
    settings = readConfig(environment);
    refuseWithoutKill();
    openRunFolder(settings.config.runDir);
  } catch (error) {
    if (!hasCode<SettingsError>(error, "ERR_SETTINGS")) throw error;
    return refuseSettings("msdha-backend", error);
  }
  const { config } = settings;
  const { log, flush } = createLog(settings.log);
  try {
    const openRights = describeOpenRights(config.runDir);
    if (openRights !== undefined) log.warn(openRights);
    if (environment["MSHDA_NAME"]) log.warn("MSHDA_NAME is an old misspelling: say MSDHA_NAME");
    void reportStopTrouble(config, log);
    const ending = await superviseNode(config, thisHost(environment, config, log), listenToSignals(log));
    return exitCodeOf(ending);
  } finally {
    await flush();
  }
}

/** The machine that this process runs on. */
function thisHost(environment: Environment, config: BackendConfig, log: Log): BackendHost {
  systemClock.onLeap((leap) => log.warn(describeLeap(leap)));
  const meters = config.statusPort === undefined ? undefined : createMetrics(config);
  return {
    clock: systemClock,
    wallNow: Date.now,
    log,
    nonce: randomNonce,
    mayKeepSignal,
    baseEnvironment: baseEnvironment(environment, config, { commandDir: commandDir() }),
    startGuard: (signal) => startOwnGuard(config, log, signal),
    openFiles: () => openRunFiles(config.runDir),
    async connectEtcd(signal) {
      const etcd = await connectEtcd(config, log, signal);
      return meters ? meterEtcd(etcd, meters.noteCall, systemClock.now) : etcd;
    },
    createHooks(guard) {
      const hooks = createHookRunner({
        dir: config.hooksDir,
        launch: guardedLaunch(guard),
        onLine(hook, stream, line) {
          // It says something every few seconds.
          const level = hook === "report" && stream === "stdout" ? "debug" : "info";
          log[level]({ hook, ...(stream === "stderr" && { stream }) }, line);
        },
      });
      return meters ? meterHooks(hooks, meters.noteRun, systemClock.now) : hooks;
    },
    async serve(currentNode) {
      await using servers = new AsyncDisposableStack();
      if (meters) servers.use(await serveStatus(config, statusRoutes(currentNode, meters)));
      servers.use(await serveControl(config.runDir, currentNode));
      passSignals((signal) => currentNode()?.main?.kill(signal));
      const kept = servers.move();
      return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
    },
  };
}

function connectEtcd(
  { etcd, etcdOld, etcdTimeoutMs, group }: BackendConfig,
  log: Log,
  signal: AbortSignal,
): ReturnType<typeof openEtcd> {
  return openEtcd(etcd, {
    old: etcdOld,
    onOld: (message) => log.warn(message),
    onForeign: ({ message }) => log.error(`${message}; the second is left out`),
    timeoutMs: etcdTimeoutMs,
    clock: systemClock,
    signal,
    range: { key: groupKeys(group).prefix },
    onRetry: (error) => log.warn({ err: error, etcd: describeEndpoints(etcd) }, "etcd does not answer yet"),
  });
}

/** Rejects with a `ListenError`. */
function serveStatus(
  { statusPort = 0, statusAddress }: BackendConfig,
  routes: Routes,
): Promise<AsyncDisposable> {
  const place = { port: statusPort, host: statusAddress };
  return serveRoutes(routes, place, { name: `MSDHA_STATUS_PORT ${statusPort}` });
}

function listenToSignals(log: Log): StopSignals {
  return stopOnSignals({
    now: systemClock.now,
    terminal: process.stdin.isTTY || process.stderr.isTTY,
    onRepeat: (signal) => log.info({ signal }, "already stopping"),
  });
}

async function startOwnGuard(
  { runDir, noNewPrivileges, ttlSeconds }: BackendConfig,
  log: Log,
  signal: AbortSignal,
): Promise<Guard> {
  const guard = await startGuard({
    signal,
    lockFile: join(runDir, "lock"),
    lockWaitMs: FORMER_RUN_MS,
    noNewPrivileges,
    silentMs: Math.max(LEAST_SILENT_MS, (ttlSeconds * 1_000) / 2),
    onLeap: (ms) => log.warn(describeGuardLeap(ms)),
    onDenied: (error) => log.error(`${error.message}; end it by hand, or give CAP_KILL to this node`),
  });
  if (!guard.memoryLocked) {
    log.warn(
      "the guard's memory may be swapped out, and a kill be late: raise its limit (memlock, LimitMEMLOCK=)",
    );
  }
  return guard;
}

/**
 * Throws if this node could start programs as another user and not kill them: nothing of a former master may live on.
 */
function refuseWithoutKill(): void {
  const obstacle = findKillObstacle();
  if (obstacle === undefined) return;
  throw new SettingsError([
    { variable: "capabilities", expected: `CAP_KILL (Docker: --cap-add KILL), or another user: ${obstacle}` },
  ]);
}

function describeGuardLeap(ms: number): string {
  const how = ms > 0 ? "ran ahead of" : "fell behind";
  return `this process's clock ${how} the guard's by ${Math.round(Math.abs(ms))} ms; kill times are no later for it`;
}

/** The folder of the `msdha-backend` command, for the hooks' PATH: `bin` beside the folder that this file is in. */
function commandDir(): string {
  return join(dirname(dirname(fileURLToPath(import.meta.url))), "bin");
}
