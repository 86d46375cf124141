import { isIP } from "node:net";
import { allVariables, bindAddress, groupName, hasCode } from "@msdha/app";
import { type EtcdSettings, type EtcdSettingsError, readEtcdSettings } from "@msdha/etcd-client";
import { logFormats, logLevels } from "@msdha/log";
import {
  byteCount,
  duration,
  type Environment,
  port,
  readSettings,
  SettingsError,
  wholeNumber,
  yesNo,
} from "@msdha/settings";
import { z } from "zod";
import { DEFAULT_RUN_DIR } from "./run-dir.ts";

/** Everything that is set from outside, checked. Lengths of time are whole milliseconds. */
export interface FrontendConfig {
  readonly etcd: EtcdSettings;
  readonly etcdTimeoutMs: number;
  /** What a member of etcd with a version of known faults means at the start. */
  readonly etcdOld: "warn" | "refuse";
  /** What happens to new connections when etcd has not been seen for 2 TTLs. */
  readonly etcdLost: "park" | "keep";
  readonly group: string;
  readonly ttlSeconds: number;
  /** The ports to listen on, one at least. */
  readonly ports: readonly PortPair[];
  /** A further port, for readers; undefined for none. */
  readonly readPort: number | undefined;
  /** Readers go to no node that lacks more bytes than these, or does not say how many; Infinity for no bound. */
  readonly readMaxLagBytes: number;
  /** IP addresses to listen on; none stands for all. */
  readonly addresses: readonly string[];
  readonly parkMs: number;
  readonly tickMs: number;
  readonly idleTimeoutMs: number;
  readonly halfClosedTimeoutMs: number | undefined;
  readonly stopGraceMs: number;
  readonly lookupIntervalMs: number;
  readonly lookupKeepMs: number;
  readonly maxConnections: number | undefined;
  readonly threads: number | undefined;
  readonly runDir: string;
  readonly statusPort: number | undefined;
  /** The IP address of the status port; all where there is none. */
  readonly statusAddress: string | undefined;
  readonly haproxyFile: string;
  readonly logSessions: boolean;
  /** Whether clients begin with a header of the PROXY protocol. */
  readonly acceptProxy: boolean;
  /** The version of that header which the master gets; undefined for none. */
  readonly sendProxy: "v1" | "v2" | undefined;
}

/** A port that is listened on, and the master's that its connections go to. */
export interface PortPair {
  readonly listen: number;
  readonly target: number;
}

export interface LogConfig {
  readonly level: (typeof logLevels)[number];
  readonly format: (typeof logFormats)[number];
}

/** Each has its own servers in HAProxy, which are led one by one. */
const MOST_PORTS = 16;
/** HAProxy's timers end at 2^31 ms, 24.8 days. */
const LONGEST_MS = 24 * 86_400_000;

const schema = z.object({
  MSDHA_GROUP: groupName(),
  MSDHA_PORT: ports(),
  MSDHA_TARGET_PORT: ports().optional(),
  MSDHA_READ_PORT: port().optional(),
  MSDHA_READ_MAX_LAG: byteCount().default(Number.POSITIVE_INFINITY),
  MSDHA_TTL: wholeNumber({ min: 1, max: 3_600 }).default(10),
  MSDHA_BIND: addresses().default([]),
  MSDHA_PARK: milliseconds({ maxMs: LONGEST_MS }).optional(),
  MSDHA_CONNECT_TIMEOUT: milliseconds({ minMs: 10, maxMs: 60_000 }).default(100),
  MSDHA_IDLE_TIMEOUT: milliseconds({ minMs: 1_000, maxMs: LONGEST_MS }).default(86_400_000),
  MSDHA_HALF_CLOSED_TIMEOUT: milliseconds({ minMs: 1_000, maxMs: LONGEST_MS }).optional(),
  MSDHA_STOP_GRACE: milliseconds({ maxMs: LONGEST_MS }).default(8_000),
  MSDHA_LOOKUP_INTERVAL: milliseconds({ minMs: 100, maxMs: LONGEST_MS }).default(5_000),
  MSDHA_LOOKUP_KEEP: duration().default(300_000),
  MSDHA_MAXCONN: wholeNumber({ min: 1, max: 10_000_000 }).optional(),
  MSDHA_THREADS: wholeNumber({ min: 1, max: 64 }).optional(),
  MSDHA_RUN_DIR: z
    .string()
    .regex(/^\/[\w./-]{0,69}$/, "an absolute path of at most 70 letters, digits and . _ / -")
    .default(DEFAULT_RUN_DIR),
  MSDHA_STATUS_PORT: port().optional(),
  MSDHA_STATUS_BIND: bindAddress().optional(),
  // The log names a program that is not there.
  MSDHA_HAPROXY: z
    .string()
    .regex(/^(?!.*-----)[^\p{C}\p{Zl}\p{Zp}]{1,4000}$/u, "the name or the path of a program")
    .default("haproxy"),
  MSDHA_ETCD_TIMEOUT: duration().default(30_000),
  MSDHA_ETCD_OLD: z.enum(["warn", "refuse"], { error: "warn or refuse" }).default("warn"),
  MSDHA_ETCD_LOST: z.enum(["park", "keep"], { error: "park or keep" }).default("park"),
  MSDHA_LOG_LEVEL: z.enum(logLevels, { error: `one of ${logLevels.join(", ")}` }).default("info"),
  MSDHA_LOG_FORMAT: z.enum(logFormats, { error: `one of ${logFormats.join(", ")}` }).default("text"),
  MSDHA_LOG_SESSIONS: yesNo().default(false),
  MSDHA_ACCEPT_PROXY: yesNo().default(false),
  MSDHA_SEND_PROXY: z.enum(["no", "v1", "v2"], { error: "no, v1 or v2" }).default("no"),
});

/** The names of all variables that are the frontend's own. */
export const knownVariables: readonly string[] = Object.keys(schema.shape);

/** Reads the settings from the environment. Throws a `SettingsError` that names everything that is wrong. */
export function readConfig(environment: Environment): { config: FrontendConfig; log: LogConfig } {
  const settings = attempt(() =>
    readSettings(environment, { schema, prefix: "MSDHA_", foreign: allVariables }),
  );
  const etcd = attempt(() => readEtcdSettings(environment));
  if ("problems" in settings || "problems" in etcd) {
    throw new SettingsError([settings, etcd].flatMap((part) => ("problems" in part ? part.problems : [])));
  }
  const { value } = settings;
  const pairs = pairPorts(value.MSDHA_PORT, value.MSDHA_TARGET_PORT);
  const { MSDHA_STATUS_PORT: statusPort, MSDHA_READ_PORT: readPort } = value;
  refuseSame("MSDHA_READ_PORT", readPort, value.MSDHA_PORT);
  refuseSame("MSDHA_STATUS_PORT", statusPort, value.MSDHA_PORT);
  if (statusPort !== undefined && statusPort === readPort) {
    const expected = "another port than MSDHA_READ_PORT";
    throw new SettingsError([{ variable: "MSDHA_STATUS_PORT", expected, got: String(statusPort) }]);
  }
  return {
    config: {
      etcd: etcd.value,
      etcdTimeoutMs: value.MSDHA_ETCD_TIMEOUT,
      etcdOld: value.MSDHA_ETCD_OLD,
      etcdLost: value.MSDHA_ETCD_LOST,
      group: value.MSDHA_GROUP,
      ttlSeconds: value.MSDHA_TTL,
      ports: pairs,
      readPort,
      readMaxLagBytes: value.MSDHA_READ_MAX_LAG,
      addresses: value.MSDHA_BIND,
      parkMs: value.MSDHA_PARK ?? 3_000 * value.MSDHA_TTL + 10_000,
      tickMs: value.MSDHA_CONNECT_TIMEOUT,
      idleTimeoutMs: value.MSDHA_IDLE_TIMEOUT,
      halfClosedTimeoutMs: value.MSDHA_HALF_CLOSED_TIMEOUT,
      stopGraceMs: value.MSDHA_STOP_GRACE,
      lookupIntervalMs: value.MSDHA_LOOKUP_INTERVAL,
      lookupKeepMs: value.MSDHA_LOOKUP_KEEP,
      maxConnections: value.MSDHA_MAXCONN,
      threads: value.MSDHA_THREADS,
      runDir: value.MSDHA_RUN_DIR,
      statusPort,
      statusAddress: value.MSDHA_STATUS_BIND,
      haproxyFile: value.MSDHA_HAPROXY,
      logSessions: value.MSDHA_LOG_SESSIONS,
      acceptProxy: value.MSDHA_ACCEPT_PROXY,
      sendProxy: value.MSDHA_SEND_PROXY === "no" ? undefined : value.MSDHA_SEND_PROXY,
    },
    log: { level: value.MSDHA_LOG_LEVEL, format: value.MSDHA_LOG_FORMAT },
  };
}

/** A length of time in whole milliseconds, as HAProxy takes it. */
function milliseconds(range: { readonly minMs?: number; readonly maxMs: number }): z.ZodType<number, string> {
  return duration(range).transform(Math.ceil);
}

/** One TCP port, or several with commas between them, none of them twice. */
function ports(): z.ZodType<readonly number[], string> {
  const one = port();
  return z.string().transform((text, context) => {
    const list = text.split(",").map((word) => one.safeParse(word.trim()).data);
    const valid = list.filter((number) => number !== undefined);
    if (valid.length === list.length && list.length <= MOST_PORTS) return valid;
    const message = `a whole number from 1 to 65535, or at most ${MOST_PORTS} of them with commas between them`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

function refuseSame(variable: string, number: number | undefined, taken: readonly number[]): void {
  if (number === undefined || !taken.includes(number)) return;
  throw new SettingsError([{ variable, expected: "another port than MSDHA_PORT", got: String(number) }]);
}

/** Gives each port that is listened on its target: the same number, unless there are targets. */
function pairPorts(listen: readonly number[], targets: readonly number[] = listen): PortPair[] {
  const twice = listen.find((number, index) => listen.indexOf(number) !== index);
  if (twice !== undefined) {
    const expected = "each port once";
    throw new SettingsError([{ variable: "MSDHA_PORT", expected, got: listen.join(",") }]);
  }
  if (targets.length !== listen.length) {
    const expected = `as many ports as MSDHA_PORT has, ${listen.length}`;
    throw new SettingsError([{ variable: "MSDHA_TARGET_PORT", expected, got: targets.join(",") }]);
  }
  return listen.map((number, index) => ({ listen: number, target: targets[index] ?? number }));
}

/** `*`, or IP addresses with commas between them. */
function addresses(): z.ZodType<readonly string[], string> {
  return z.string().transform((text, context) => {
    if (text === "*") return [];
    const list = text.split(",").map((address) => address.trim());
    if (list.every((address) => isIP(address) !== 0 && !address.includes("%"))) return list;
    context.addIssue({ code: "custom", message: "* or IP addresses with commas between them" });
    return z.NEVER;
  });
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
