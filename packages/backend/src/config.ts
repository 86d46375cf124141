import { isIP } from "node:net";
import { hostname } from "node:os";
import { allVariables, bindAddress, groupName, hasCode, isHostAddress, nodeName } from "@msdha/app";
import { type EtcdSettings, type EtcdSettingsError, readEtcdSettings } from "@msdha/etcd-client";
import { isAddress } from "@msdha/group";
import { logFormats, logLevels } from "@msdha/log";
import {
  duration,
  type Environment,
  port,
  readSettings,
  SettingsError,
  wholeNumber,
  yesNo,
} from "@msdha/settings";
import { z } from "zod";

/** Everything that is set from outside, checked. Lengths of time are milliseconds but for `ttlSeconds`. */
export interface BackendConfig {
  readonly etcd: EtcdSettings;
  readonly etcdTimeoutMs: number;
  /** What a member of etcd with a version of known faults means at the start. */
  readonly etcdOld: "warn" | "refuse";
  readonly group: string;
  readonly name: string;
  readonly address: string;
  readonly ttlSeconds: number;
  readonly masterTtlMs: number;
  readonly hooksDir: string;
  readonly runDir: string;
  readonly stopSignal: NodeJS.Signals;
  /** How long a whole stop may take: `pre_stop`, the drain, everything that runs, `stopped` (see stop-time.ts). */
  readonly stopTimeoutMs: number;
  /** `any`: a lock is handed over when nothing is alive. `clean`: only when nothing had to be killed either. */
  readonly handover: "any" | "clean";
  /**
   * How long a master that is stopped in peace serves on at least; 0: no drain. undefined: until every registered frontend
   * has confirmed that it sends it nothing new, and 100 ms where none is registered.
   */
  readonly drainMs: number | undefined;
  /** How long it waits at most for registered frontends to confirm. */
  readonly drainTimeoutMs: number;
  /** From when on frontends send traffic to this node as the master. */
  readonly traffic: "at_once" | "after_hook";
  readonly hookTimeoutMs: number;
  /** How long the `candidate` hook may take, and how long the others wait for its answer. */
  readonly candidateTimeoutMs: number;
  readonly hooksEtcdctl: boolean;
  /** Whether programs are kept from gaining privileges; undefined: unless this process is root. */
  readonly noNewPrivileges: boolean | undefined;
  readonly nodeStateChangeFailure: "log" | "stop" | "retry";
  /** How often the `alive` hook runs, how long it may take, and how many failures in a row end the node. */
  readonly aliveIntervalMs: number;
  readonly aliveTimeoutMs: number;
  readonly aliveFailures: number;
  /** How often the `report` hook runs, and how long a run of it may take. */
  readonly reportIntervalMs: number;
  /** The TCP port of the status port; undefined: there is none. */
  readonly statusPort: number | undefined;
  /** The IP address of the status port; undefined: all. */
  readonly statusAddress: string | undefined;
}

export interface LogConfig {
  readonly level: (typeof logLevels)[number];
  readonly format: (typeof logFormats)[number];
}

const STOP_SIGNALS = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const;

const schema = z.object({
  MSDHA_GROUP: groupName(),
  MSDHA_NAME: nodeName().optional(),
  MSDHA_ADDRESS: z
    .string()
    .refine(isReachable, "a host name, or an IP address of one host, without a zone")
    .optional(),
  MSDHA_TTL: wholeNumber({ min: 1, max: 3_600 }).default(10),
  MSDHA_MASTER_TTL: duration({ minMs: 1_000 }).default(86_400_000),
  MSDHA_HOOKS_DIR: absolutePath({ longest: 4_000 }).default("/etc/msdha/hooks"),
  MSDHA_RUN_DIR: absolutePath({ longest: 90 }).default("/run/msdha"),
  MSDHA_STOP_SIGNAL: z
    .string()
    .transform((text) => (text.startsWith("SIG") ? text : `SIG${text}`))
    .pipe(z.enum(STOP_SIGNALS, { error: `one of ${STOP_SIGNALS.join(", ")}` }))
    .default("SIGTERM"),
  MSDHA_STOP_TIMEOUT: duration({ maxMs: 86_400_000 }).default(8_000),
  MSDHA_HANDOVER: z.enum(["any", "clean"], { error: "any or clean" }).default("any"),
  MSDHA_DRAIN: duration({ maxMs: 3_600_000 }).optional(),
  MSDHA_DRAIN_TIMEOUT: duration({ maxMs: 3_600_000 }).default(3_000),
  MSDHA_TRAFFIC: z.enum(["at_once", "after_hook"], { error: "at_once or after_hook" }).default("at_once"),
  MSDHA_HOOK_TIMEOUT: duration({ minMs: 1 }).default(Number.POSITIVE_INFINITY),
  MSDHA_CANDIDATE_TIMEOUT: duration({ minMs: 1, maxMs: 3_600_000 }).default(5_000),
  MSDHA_HOOKS_ETCDCTL: yesNo().default(false),
  MSDHA_NO_NEW_PRIVS: yesNo().optional(),
  MSDHA_NODE_STATE_CHANGE_FAILURE: z
    .enum(["log", "stop", "retry"], { error: "log, stop or retry" })
    .default("log"),
  MSDHA_ALIVE_INTERVAL: duration({ minMs: 100, maxMs: 86_400_000 }).default(5_000),
  MSDHA_ALIVE_TIMEOUT: duration({ minMs: 1, maxMs: 86_400_000 }).optional(),
  MSDHA_ALIVE_FAILURES: wholeNumber({ min: 1, max: 1_000 }).default(3),
  MSDHA_REPORT_INTERVAL: duration({ minMs: 100, maxMs: 86_400_000 }).default(5_000),
  MSDHA_STATUS_PORT: port().optional(),
  MSDHA_STATUS_BIND: bindAddress().optional(),
  MSDHA_ETCD_TIMEOUT: duration().default(30_000),
  MSDHA_ETCD_OLD: z.enum(["warn", "refuse"], { error: "warn or refuse" }).default("warn"),
  MSDHA_LOG_LEVEL: z.enum(logLevels, { error: `one of ${logLevels.join(", ")}` }).default("info"),
  MSDHA_LOG_FORMAT: z.enum(logFormats, { error: `one of ${logFormats.join(", ")}` }).default("text"),
});

/** Whether others can connect to an address: a host name, or an IP address that one host can have. */
function isReachable(address: string): boolean {
  return isIP(address) === 0 ? isAddress(address) : isHostAddress(address);
}

/** The names of all variables that are the backend's own. */
export const knownVariables: readonly string[] = Object.keys(schema.shape);

/**
 * Reads the settings from the environment; `host` is this machine's name, by default what the system says. Throws a `SettingsError` that
 * names everything that is wrong.
 */
export function readConfig(
  environment: Environment,
  { host = hostname() }: { readonly host?: string } = {},
): { config: BackendConfig; log: LogConfig } {
  const settings = attempt(() =>
    readSettings(environment, {
      schema,
      prefix: "MSDHA_",
      foreign: allVariables,
      aliases: { MSHDA_NAME: "MSDHA_NAME" },
    }),
  );
  const etcd = attempt(() => readEtcdSettings(environment));
  if ("problems" in settings || "problems" in etcd) {
    throw new SettingsError([settings, etcd].flatMap((part) => ("problems" in part ? part.problems : [])));
  }
  const { value } = settings;
  refuseSlowAlive(value);
  const name = value.MSDHA_NAME ?? nameOfHost(host);
  return {
    config: {
      etcd: etcd.value,
      etcdTimeoutMs: value.MSDHA_ETCD_TIMEOUT,
      etcdOld: value.MSDHA_ETCD_OLD,
      group: value.MSDHA_GROUP,
      name,
      address: value.MSDHA_ADDRESS ?? name,
      ttlSeconds: value.MSDHA_TTL,
      masterTtlMs: value.MSDHA_MASTER_TTL,
      hooksDir: value.MSDHA_HOOKS_DIR,
      runDir: value.MSDHA_RUN_DIR,
      stopSignal: value.MSDHA_STOP_SIGNAL,
      stopTimeoutMs: value.MSDHA_STOP_TIMEOUT,
      handover: value.MSDHA_HANDOVER,
      drainMs: value.MSDHA_DRAIN,
      drainTimeoutMs: value.MSDHA_DRAIN_TIMEOUT,
      traffic: value.MSDHA_TRAFFIC,
      hookTimeoutMs: value.MSDHA_HOOK_TIMEOUT,
      candidateTimeoutMs: Math.min(value.MSDHA_CANDIDATE_TIMEOUT, value.MSDHA_HOOK_TIMEOUT),
      hooksEtcdctl: value.MSDHA_HOOKS_ETCDCTL,
      nodeStateChangeFailure: value.MSDHA_NODE_STATE_CHANGE_FAILURE,
      noNewPrivileges: value.MSDHA_NO_NEW_PRIVS,
      aliveIntervalMs: value.MSDHA_ALIVE_INTERVAL,
      aliveTimeoutMs: Math.min(
        value.MSDHA_ALIVE_TIMEOUT ?? value.MSDHA_ALIVE_INTERVAL,
        value.MSDHA_HOOK_TIMEOUT,
      ),
      aliveFailures: value.MSDHA_ALIVE_FAILURES,
      reportIntervalMs: value.MSDHA_REPORT_INTERVAL,
      statusPort: value.MSDHA_STATUS_PORT,
      statusAddress: value.MSDHA_STATUS_BIND,
    },
    log: { level: value.MSDHA_LOG_LEVEL, format: value.MSDHA_LOG_FORMAT },
  };
}

/** Returns the name of a node that is given none. Throws a `SettingsError` where no node can be named so. */
function nameOfHost(host: string): string {
  const { error } = nodeName().safeParse(host);
  if (!error) return host;
  const expected = `${error.issues[0]?.message}; without one it is the host's name`;
  throw new SettingsError([{ variable: "MSDHA_NAME", expected, got: host }]);
}

/** A folder. The run folder holds a socket, whose path may be 107 bytes long. */
function absolutePath({ longest }: { readonly longest: number }): z.ZodType<string, string> {
  return z.string().refine((path) => path.startsWith("/") && Buffer.byteLength(path) <= longest, {
    error: `an absolute path of at most ${longest} bytes`,
  });
}

/** A run of `alive` that may take longer than the interval would put off the next one. */
function refuseSlowAlive({
  MSDHA_ALIVE_INTERVAL: interval,
  MSDHA_ALIVE_TIMEOUT: timeout = 0,
}: {
  readonly MSDHA_ALIVE_INTERVAL: number;
  readonly MSDHA_ALIVE_TIMEOUT?: number | undefined;
}): void {
  if (timeout <= interval) return;
  const expected = `at most MSDHA_ALIVE_INTERVAL, which is ${interval / 1000} s`;
  throw new SettingsError([{ variable: "MSDHA_ALIVE_TIMEOUT", expected, got: `${timeout / 1000} s` }]);
}

type Part<T> = { readonly value: T } | { readonly problems: SettingsError["problems"] };

function attempt<T>(read: () => T): Part<T> {
  try {
    return { value: read() };
  } catch (error) {
    if (hasCode<SettingsError | EtcdSettingsError>(error, "ERR_SETTINGS", "ERR_ETCD_SETTINGS"))
      return { problems: error.problems };
    throw error;
  }
}
