import type { ConnectionWait } from "../proxy.ts";

/** `%ci:%cp [%t] %f %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq`; `+` marks what goes on, or a redispatch. */
const SESSION =
  /^\S+:\d+ \[[^\]]+\] fe\d* be\d*\/\S+ (-?\d+)\/(-?\d+)\/\+?(\d+) \+?\d+ (\S)\S \d+\/\d+\/\d+\/\d+\/\+?(\d+) /;

/** Reads a session's line; undefined for any other line, and for a session that was served without a wait. */
export function readConnectionWait(line: string): ConnectionWait | undefined {
  const [, queued, connecting, total, end, retries] = SESSION.exec(line) ?? [];
  if (end === undefined) return undefined;
  const ageMs = Number(total);
  if (Number(connecting) < 0) return { outcome: end === "C" ? "left" : "in_vain", waitedMs: ageMs, ageMs };
  if (Number(retries) === 0) return undefined;
  return { outcome: "served", waitedMs: Number(queued) + Number(connecting), ageMs };
}
