import { isIP } from "node:net";

const LARGEST_TIMER_MS = 2 ** 31 - 1;
/** HAProxy binds a socket under a longer temporary name first, and a path has 107 bytes at most. */
const LONGEST_SOCKET_PATH = 90;

/** Throws a `TypeError` that names the option, unless `value` is a whole number in the range. */
export function wholeNumber(name: string, value: number, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw unexpected(name, `a whole number from ${least} to ${most}`, value);
}

export function tcpPort(name: string, value: number): number {
  return wholeNumber(name, value, 1, 65_535);
}

export function milliseconds(name: string, value: number, least = 1): number {
  return wholeNumber(name, value, least, LARGEST_TIMER_MS);
}

/** A time that a timer can wait for, whole or not. */
export function timerMs(name: string, value: number): number {
  if (typeof value === "number" && value >= 0 && value <= LARGEST_TIMER_MS) return value;
  throw unexpected(name, `a number of milliseconds from 0 to ${LARGEST_TIMER_MS}`, value);
}

/** An IPv4 or IPv6 address without a zone; names are never resolved here. */
export function ipAddress(name: string, value: string): string {
  if (typeof value === "string" && isIP(value) !== 0 && !value.includes("%")) return value;
  throw unexpected(name, "an IP address", value);
}

export function socketPath(name: string, value: string): string {
  if (typeof value === "string" && value.length <= LONGEST_SOCKET_PATH && /^\/[\w./-]+$/.test(value))
    return value;
  throw unexpected(
    name,
    `an absolute path of letters, digits and . _ / - (${LONGEST_SOCKET_PATH} at most)`,
    value,
  );
}

/** The name of a frontend, a backend or a server. */
export function sectionName(name: string, value: string): string {
  if (typeof value === "string" && /^[\w.-]{1,64}$/.test(value)) return value;
  throw unexpected(name, "a name of letters, digits and . _ -", value);
}

/** One line to HAProxy, which ends at a line break and takes what follows `<<` as a payload of more lines. */
export function commandLine(name: string, value: string): string {
  if (typeof value === "string" && /^[^\p{Cc}\u2028\u2029]+$/u.test(value) && !value.includes("<<"))
    return value;
  throw unexpected(name, "one line without control characters and without <<", value);
}

/** What HAProxy calls a session. */
export function sessionId(name: string, value: string): string {
  if (typeof value === "string" && /^0x[\da-f]{1,16}$/.test(value)) return value;
  throw unexpected(name, "a session's id", value);
}

/** What the runtime API can set a server to. */
export function serverState<State extends string>(name: string, value: State): State {
  if (value === "ready" || value === "drain" || value === "maint") return value;
  throw unexpected(name, "ready, drain or maint", value);
}

/** One spelling for each address, so that two can be compared: `0:0::1` and `::1` are the same. */
export function canonicalAddress(address: string): string {
  if (isIP(address) !== 6) return address;
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

function unexpected(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${name}: expected ${expected}, got ${JSON.stringify(value) ?? String(value)}`);
}
